//! Positions and ids of the stream: two ways to write one place.
//!
//! An id of ours is `epoch number-event number` (see `lua/append.lua`), and its position is the second, with the first
//! above it: in the first life of a store positions count 1, 2, 3 …. Should a stranger have written into the stream, later
//! ids are `milliseconds-sequence`; their positions have the highest bit, so that the order stays.

use crate::Position;

/// Events of all lives together: 10¹², and still exact where numbers are doubles for the first 8,192 lives.
const NUMBER_BITS: u32 = 40;
/// Lives of a store.
const EPOCH_BITS: u32 = 23;
/// Entries in one millisecond.
const SEQUENCE_BITS: u32 = 22;
/// Milliseconds: until the year 2039.
const TIME_BITS: u32 = 41;
const STRANGE: u64 = 1 << 63;

const fn fits(number: u64, bits: u32) -> bool {
    number >> bits == 0
}

/// The position of an id; none if there is none that goes back to it.
pub(super) fn position(id: &str) -> Option<Position> {
    let (first, second) = id.split_once('-')?;
    let (first, second): (u64, u64) = (first.parse().ok()?, second.parse().ok()?);
    if fits(first, EPOCH_BITS) && fits(second, NUMBER_BITS) {
        return Some(Position(first << NUMBER_BITS | second));
    }
    let is_time = !fits(first, EPOCH_BITS) && fits(first, TIME_BITS) && fits(second, SEQUENCE_BITS);
    is_time.then_some(Position(STRANGE | first << SEQUENCE_BITS | second))
}

/// The id of a position.
pub(super) fn id(position: Position) -> String {
    let bits = if position.0 & STRANGE == 0 { NUMBER_BITS } else { SEQUENCE_BITS };
    let place = position.0 & !STRANGE;
    format!("{}-{}", place >> bits, place & ((1 << bits) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_has_an_id_and_they_agree_in_order() {
        let ids = [
            "0-0",
            "0-1",
            "0-1099511627775",
            "1-1",
            "8388607-1099511627775",
            "8388608-0",
            "1795399406730-0",
            "1795399406730-4194303",
            "2199023255551-4194303",
        ];
        let positions: Vec<Position> = ids.iter().map(|id| position(id).unwrap()).collect();
        assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
        assert_eq!(positions.iter().map(|at| id(*at)).collect::<Vec<_>>(), ids);
        assert_eq!(positions[..2], [Position(0), Position(1)], "in a store's first life they simply count");
    }

    #[test]
    fn what_no_position_could_name_has_none() {
        let beyond = ["0-1099511627776", "1795399406730-4194304", "2199023255552-0", "7", "-", "1-x", ""];
        for id in beyond {
            assert_eq!(position(id), None, "{id}");
        }
        // Any number that a person may type is some id.
        for position in [Position(u64::MAX), Position(STRANGE)] {
            assert!(id(position).split_once('-').is_some());
        }
    }
}
