use super::*;

fn import() -> ImportId {
    ImportId::from_uuid(uuid::Uuid::from_u128(7))
}

fn rejection(row: u64) -> Rejection {
    Rejection {
        row,
        line: row + 1,
        field: Some(Field::Email),
        code: "missing",
        message: "email is missing".into(),
    }
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with("\r\n"));
    text.split_terminator("\r\n").map(str::to_owned).collect()
}

#[test]
fn a_report_has_a_line_per_rejection_and_appears_whole() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("refused.csv");
    let mut report = Report::create(&target, import()).unwrap();
    report.write(&rejection(3)).unwrap();
    report.write(&Rejection { field: None, message: "a, \"b\"".into(), ..rejection(4) }).unwrap();
    assert!(!target.exists());
    assert_eq!(report.finish().unwrap(), target);
    assert_eq!(
        lines(&target),
        ["row,field,code,message", "3,email,missing,email is missing", "4,,missing,\"a, \"\"b\"\"\""]
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_killed_run_leaves_no_line_twice() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("refused.csv");
    let mut report = Report::create(&target, import()).unwrap();
    report.write(&rejection(1)).unwrap();
    let checkpoint = report.flush().unwrap();
    report.write(&rejection(2)).unwrap();
    drop(report); // what stands behind the checkpoint reaches the disk all the same
    let mut report = Report::resume(&target, import(), checkpoint).unwrap();
    report.write(&rejection(2)).unwrap();
    report.write(&rejection(3)).unwrap();
    report.finish().unwrap();
    let rows: Vec<_> = lines(&target)[1..].iter().map(|line| line[..1].to_owned()).collect();
    assert_eq!(rows, ["1", "2", "3"]);
}

#[test]
fn a_report_that_is_gone_shortened_or_in_use_is_not_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("refused.csv");
    let lost = |bytes| matches!(Report::resume(&target, import(), bytes), Err(Error::ReportLost { .. }));
    assert!(lost(10));
    let mut report = Report::create(&target, import()).unwrap();
    let bytes = report.flush().unwrap();
    assert!(lost(bytes));
    drop(report);
    assert!(lost(bytes + 1));
    assert!(!lost(bytes));
}

#[test]
fn two_runs_at_once_do_not_mix_their_lines() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("refused.csv");
    let mut runs = [1, 2].map(|_run| Report::create(&target, import()).unwrap());
    for row in 1..50 {
        for run in &mut runs {
            run.write(&rejection(row)).unwrap();
            run.flush().unwrap();
        }
    }
    for run in runs {
        run.finish().unwrap();
        assert_eq!(lines(&target).len(), 50);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn no_cell_is_a_formula() {
    for cell in ["=cmd()", "+1", "-1", "@x", "\tx", "\rx", " =1"] {
        assert_eq!(neutralized(cell), format!("'{cell}"));
    }
    assert_eq!(neutralized("a=b"), "a=b");
    assert_eq!(line(&["=1,2", ""]), "\"'=1,2\",\r\n");
}
