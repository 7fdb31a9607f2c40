//! What becomes of one call: whether it reaches the API, and what of its answer comes back.

use crate::chance::Chance;
use crate::network::api::Call;

/// How the API as a whole is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it should be.
    Up,
    /// Answers nothing.
    Down,
    /// 503 from a gateway.
    Unavailable,
    /// 401.
    Unauthorized,
    /// 429.
    Limited,
    /// 403: the feature is off.
    Forbidden,
    /// 400 to every create, for a reason that names no row.
    Refusing,
}

impl Mood {
    /// All that are not well.
    pub(crate) const BAD: [Self; 6] =
        [Self::Down, Self::Unavailable, Self::Unauthorized, Self::Limited, Self::Forbidden, Self::Refusing];
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Takes effect and is answered.
    Answered,
    /// Takes effect; the answer is lost.
    AnswerLost,
    /// Is lost on its way; takes effect minutes later.
    Late,
    /// Is lost on its way.
    Lost,
    /// No connection.
    Unsent,
    /// 500, after it took effect.
    BrokenAfter,
    /// 500, without effect.
    BrokenBefore,
    /// A page in HTML instead of the answer, after it took effect.
    Garbled,
    /// This answer without effect: status and text.
    Says(u16, &'static str),
}

/// Draws what becomes of a call. `storm`: how many in a thousand go wrong.
pub(crate) fn fate(call: &Call, mood: Mood, storm: u64, chance: &mut Chance) -> Fate {
    match mood {
        Mood::Down => *chance.pick(&[Fate::Lost, Fate::Unsent]).unwrap_or(&Fate::Lost),
        Mood::Unavailable => Fate::Says(503, "Service Unavailable"),
        Mood::Unauthorized => Fate::Says(401, "Invalid credential."),
        Mood::Limited => Fate::Says(429, "Rate limit exceeded. Retry after 4s."),
        Mood::Forbidden => Fate::Says(403, "Hosted onboarding is not enabled for this entity."),
        Mood::Refusing if matches!(call, Call::Create { .. }) => {
            Fate::Says(400, "The plan of this entity does not allow this.")
        }
        Mood::Up | Mood::Refusing => alone(call, storm, chance),
    }
}

fn alone(call: &Call, storm: u64, chance: &mut Chance) -> Fate {
    if !chance.happens(storm) {
        return Fate::Answered;
    }
    let effect = u64::from(call.has_effect());
    let in_use = u64::from(matches!(call, Call::Create { .. }));
    chance
        .weighted(&[
            (4, Fate::AnswerLost),
            (3 * effect, Fate::Late),
            (2, Fate::Lost),
            (1, Fate::Unsent),
            (effect, Fate::BrokenAfter),
            (1, Fate::BrokenBefore),
            (1, Fate::Garbled),
            (1, Fate::Says(503, "Service Unavailable")),
            (1, Fate::Says(429, "Rate limit exceeded. Retry after 2s.")),
            (in_use, Fate::Says(409, "The idempotency key is being used by another request.")),
        ])
        .unwrap_or(Fate::Answered)
}
