//! Fault points: only in the build that the fault suite hurts, a variable tells what shall go wrong where.

use super::{Environ, Problem};

/// The variable that holds the plan.
pub(crate) const VARIABLE: &str = "GANGWAY_FAULTPOINTS";

/// Arms the points as the environment says.
pub(crate) fn arm(environ: &Environ) -> Result<(), Problem> {
    let plan = environ.get(VARIABLE).unwrap_or_default();
    gangway_faultpoint::arm(plan).map_err(|source| Problem::FaultPlan { source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_plan_is_refused() {
        let environ = |plan: &str| Environ::of([(VARIABLE.into(), plan.into())]).unwrap();
        arm(&environ("nowhere=kill")).unwrap_err();
        arm(&environ("import.accepted=wait:1ms@1000000")).unwrap();
    }
}
