//! The small worlds, each about one kind of trouble: together they meet what one large world would.

use gangway_protocol::{Bounds, Budget, Opening};

const PAIR: Bounds = Bounds {
    opening: Opening::Creates(1),
    eager: false,
    workers: 2,
    hands: 1,
    lethal: false,
    budget: Budget::NONE,
};

pub(crate) fn death() -> Bounds {
    Bounds { budget: Budget { crashes: 1, freezes: 1, ..Budget::NONE }, ..PAIR }
}

pub(crate) fn delay() -> Bounds {
    Bounds { budget: Budget { delays: 1, crashes: 1, ..Budget::NONE }, ..PAIR }
}

pub(crate) fn silence() -> Bounds {
    Bounds { budget: Budget { silences: 1, busy: 1, releases: 1, ..Budget::NONE }, ..PAIR }
}

pub(crate) fn steering() -> Bounds {
    Bounds { budget: Budget { hints: 1, snoozes: 1, cancels: 1, ..Budget::NONE }, ..PAIR }
}

pub(crate) fn siblings() -> Bounds {
    let budget = Budget { freezes: 1, ..Budget::NONE };
    Bounds { opening: Opening::LinkAndPoll, eager: true, budget, ..PAIR }
}

pub(crate) fn three() -> Bounds {
    Bounds { workers: 3, budget: Budget { crashes: 1, ..Budget::NONE }, ..PAIR }
}

pub(crate) fn suspects() -> Bounds {
    let budget = Budget { crashes: 1, ..Budget::NONE };
    Bounds { opening: Opening::Creates(2), workers: 1, hands: 2, lethal: true, budget, ..PAIR }
}

pub(crate) fn gap() -> Bounds {
    Bounds { budget: Budget { gaps: 1, crashes: 1, ..Budget::NONE }, ..PAIR }
}

pub(crate) fn failover() -> Bounds {
    Bounds { budget: Budget { failovers: 1, cancels: 1, ..Budget::NONE }, ..PAIR }
}

pub(crate) fn delayed_siblings() -> Bounds {
    let budget = Budget { delays: 1, snoozes: 1, ..Budget::NONE };
    Bounds { opening: Opening::LinkAndPoll, budget, ..PAIR }
}

pub(crate) fn killer() -> Bounds {
    let budget = Budget { crashes: 4, ..Budget::NONE };
    Bounds { workers: 1, lethal: true, budget, ..PAIR }
}
