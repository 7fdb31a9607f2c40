//! Bytes of version 1. **They may never change: they lie in stores.** A change of the form is another version, and
//! these are still read.

use gangway_jobs::onboarding::{LedgerRow, Stage};

use super::super::*;
use super::samples::{everything, fence};
use super::{REVISION, encoded};

const ONBOARDING: &str = "\
    7265766973696f6e013fc0843dac02ffff0f809496abc06890bf050502bfb802800109eeeeeeeeeeeeeeeeeeeeeeeeee\
    eeeeeecccccccccccccccccccccccccccccccc00000000000000a100000000000000a1094772c3b6c39f652037123400\
    00000000000000000000000000d1df04010200000000000000a200000000000000a200000000000000a3000000000000\
    00a3000b9f5a523c1d4c6e9a572f6d1f0c8e11096375735f6f746865720407b2930bc0c407000646726f7a656e000979\
    65737465726461790280f0b25203a09c01e0d4030880f104156e6f206c696e6b20696e2074686520616e737765720600\
    01d00f0d020032d00f0e028f4e0c80ee05000d616e797468696e6720656c73651ca08d0602010580f104096e6f20616e\
    73776572157b2276223a312c22637573746f6d6572223a7b7d7d43cf8c01c0a907ac020005eed0000000000000000000\
    0000002080bab703f1f1f1f1f1f1f1f1f2f2f2f2f2f2f2f2f3f3f3f3f3f3f3f3";

const ROW: &str = "\
    011f05ac020209eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeecccccccccccccccccccccccccccccccc000b9f5a523c1d4c6e\
    9a572f6d1f0c8e110100000000000000a100000000000000a1";

const ERASED_ROW: &str = "01c40bac020209000b9f5a523c1d4c6e9a572f6d1f0c8e11f2f2f2f2f2f2f2f2f3f3f3f3f3f3f3f3";

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[test]
fn an_onboarding_has_the_form_that_it_always_had() {
    let onboarding = everything();
    let id = onboarding.record.id;
    assert_eq!(hex(&encoded(&onboarding)), ONBOARDING);
    let (revision, back) = decode(&bytes(ONBOARDING), id).unwrap();
    assert_eq!(revision, REVISION);
    // KYB statuses are equal in every spelling; the debug form tells them apart.
    assert_eq!(format!("{back:?}"), format!("{onboarding:?}"));
}

#[test]
fn a_ledger_row_has_the_form_that_it_always_had() {
    let fences = [None, Some(fence(0xf2)), Some(fence(0xf3))];
    let row = LedgerRow { definite: true, ..LedgerRow::of(&everything().record) };
    assert_eq!(hex(&encode_row(&row, 300, &fences)), ROW);
    assert_eq!(decode_row(&bytes(ROW), row.id), Ok((row, 300, [None; 3])));

    let mut record = everything().record;
    record.stage = Stage::Erased;
    let row = LedgerRow::of(&record);
    assert_eq!(hex(&encode_row(&row, 300, &fences)), ERASED_ROW);
    assert_eq!(decode_row(&bytes(ERASED_ROW), row.id), Ok((row, 300, fences)));
}
