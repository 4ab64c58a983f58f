//! Changes, one a line.

use provider_api::Plan;

use super::{BOLD, plain, styled};

/// The changes under their head.
pub(in crate::cli) fn section(plan: &Plan) -> String {
    format!("{}\n{}", styled(BOLD, "CHANGES"), text(plan, "none: all is as it should be"))
}

/// One line for each change, or `none` in a word.
pub(super) fn text(plan: &Plan, none: &str) -> String {
    if plan.changes.is_empty() {
        return format!("{none}\n");
    }
    plan.changes.iter().map(|change| format!("{}\n", plain(&change.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstream::adapter::strip_str;
    use provider_api::Change;

    #[test]
    fn changes_stand_under_their_head() {
        let change = Change {
            subject: "route".into(),
            from: String::new(),
            to: "10.42.3.0/24".into(),
            why: "a pod CIDR of this node".into(),
        };
        let text = |changes| strip_str(&section(&Plan { changes })).to_string();
        assert_eq!(
            text(vec![change]),
            "CHANGES\n+ route: 10.42.3.0/24  (a pod CIDR of this node)\n"
        );
        assert_eq!(text(vec![]), "CHANGES\nnone: all is as it should be\n");
    }
}
