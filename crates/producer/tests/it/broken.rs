//! Files that cannot be imported at all.

use std::fs;

use gangway_producer::import::ImportOptions;
use gangway_producer::sample::SampleOptions;

use crate::world::{Kind, World, onboardings, run};

#[tokio::test]
async fn a_broken_file_is_told_with_its_place_and_a_remedy_and_nothing_comes_in() {
    let world = World::new(&SampleOptions::clean(1, 1));
    let good = "email,first name,last name,company\na@b.example,Ada,Byron,Acme\n";
    let table: [(&str, &[u8], &[&str]); 7] = [
        ("empty.csv", b"", &["the file is empty", "first line must name the columns"]),
        ("blank.csv", b"\n\n", &["the file is empty"]),
        ("data.csv", b"a@b.example,Ada,Byron,Acme\n", &["no header", "first line"]),
        (
            "short.csv",
            b"email,first name,last name\n",
            &["no column for company_name", "--map company_name="],
        ),
        (
            "twice.csv",
            b"email,mail,first name,last name,company\n",
            &["columns 1 and 2 both mean email", "--map"],
        ),
        ("sheet.csv", b"PK\x03\x04\0\0\0\0\n", &["not a text file", "export it as CSV"]),
        ("open.csv", b"\"email,first name\n", &["the header in line 1", "mend the first line"]),
    ];
    let producer = world.producer(Kind::Model, "");
    let told = async |options: &ImportOptions| {
        let error = run(options, &producer).await.unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {cause}; {}", error.help())
    };
    for (name, bytes, words) in table {
        fs::write(world.path(name), bytes).unwrap();
        let told = told(&ImportOptions::new(world.path(name))).await;
        assert!(words.iter().all(|word| told.contains(word)), "{name}: {told}");
    }
    let missing = told(&ImportOptions::new(world.path("missing.csv"))).await;
    assert!(missing.contains("cannot open") && missing.contains("missing.csv"), "{missing}");
    fs::create_dir(world.path("directory")).unwrap();
    let directory = told(&ImportOptions::new(world.path("directory"))).await;
    assert!(directory.contains("is not a file") && directory.contains("`-`"), "{directory}");
    fs::write(world.path("good.csv"), good).unwrap();
    let options =
        ImportOptions { report: Some(world.path("good.csv")), ..ImportOptions::new(world.path("good.csv")) };
    assert!(told(&options).await.contains("--report"));
    assert_eq!(fs::read_to_string(world.path("good.csv")).unwrap(), good);
    let options = ImportOptions { report: Some(world.path("no/such/place.csv")), ..options };
    let nowhere = told(&options).await;
    assert!(nowhere.contains("no/such/place.csv") && nowhere.contains("--report"), "{nowhere}");
    assert_eq!(onboardings(&producer).await, 0);
}
