//! Changes, one a line.

use provider_api::Plan;

use super::plain;

/// One line for each change, or `none` in a word.
pub(super) fn text(plan: &Plan, none: &str) -> String {
    if plan.changes.is_empty() {
        return format!("{none}\n");
    }
    plan.changes.iter().map(|change| format!("{}\n", plain(&change.to_string()))).collect()
}
