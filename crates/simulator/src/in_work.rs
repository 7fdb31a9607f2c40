//! Keys that are being worked on, for the knob that refuses a second call meanwhile.

use std::sync::{Arc, PoisonError};

use uuid::Uuid;

use crate::gate::Call;
use crate::knobs::ConcurrentKey;
use crate::refusal::Refusal;
use crate::route::Route;
use crate::sim::Sim;

/// Holds a key for as long as its create is worked on, even after its client has gone.
#[derive(Debug)]
pub(crate) struct InWork {
    sim: Arc<Sim>,
    key: Option<Uuid>,
}

impl InWork {
    /// Takes the key of a create, or refuses if another call holds it and the knob says so.
    pub(crate) fn enter(sim: &Arc<Sim>, call: &Call) -> Result<Self, Refusal> {
        let holding = |key| Self { sim: Arc::clone(sim), key };
        if call.route != Route::Create || sim.knobs().keys.concurrent == ConcurrentKey::Serialize {
            return Ok(holding(None));
        }
        let header = call.parts.headers.get("idempotency-key").and_then(|value| value.to_str().ok());
        let Some(key) = header.and_then(|text| Uuid::parse_str(text).ok()) else { return Ok(holding(None)) };
        if sim.in_work.lock().unwrap_or_else(PoisonError::into_inner).insert(key) {
            return Ok(holding(Some(key)));
        }
        Err(Refusal::conflict("A request with this idempotency key is being processed."))
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.sim.in_work.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        }
    }
}
