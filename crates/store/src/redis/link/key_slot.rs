//! Which slot of a cluster a key lies in.

/// How many slots a cluster has.
const SLOTS: u16 = 16_384;

/// The slot of every key that has `tag` in braces: CRC-16/XMODEM of the tag.
pub(super) fn of_tag(tag: &str) -> u16 {
    tag.bytes().fold(0, crc) % SLOTS
}

fn crc(sum: u16, byte: u8) -> u16 {
    (0..8).fold(
        sum ^ (u16::from(byte) << 8),
        |sum, _bit| {
            if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!("123456789".bytes().fold(0, crc), 0x31C3);
        // What `CLUSTER KEYSLOT {user1000}.following` and `CLUSTER KEYSLOT foo` answer.
        assert_eq!(of_tag("user1000"), 3443);
        assert_eq!(of_tag("foo"), 12182);
    }
}
