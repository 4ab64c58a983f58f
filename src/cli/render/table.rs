//! Tables without lines: columns two spaces apart.

use comfy_table::{Table, presets};

use super::plain;

/// A table under its head; nothing where there is no row.
pub(super) fn text<const N: usize>(head: [&str; N], rows: Vec<[String; N]>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    format!("\n{}", lines(std::iter::once(head.map(str::to_owned)).chain(rows)))
}

/// Pairs of a name and a value.
pub(super) fn pairs(rows: Vec<[String; 2]>) -> String {
    lines(rows.into_iter())
}

fn lines<const N: usize>(rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.add_rows(rows.map(|row| row.map(|cell| plain(&cell))));
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    format!("{}\n", table.trim_fmt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_apart() {
        let row = |one: &str, two: &str| [one.to_owned(), two.to_owned()];
        let rows = vec![row("10.42.1.0/24", "served"), row("::/64", "advertised")];
        assert_eq!(
            text(["ROUTE", "STAGE"], rows),
            "\nROUTE         STAGE\n10.42.1.0/24  served\n::/64         advertised\n"
        );
        assert_eq!(text(["ROUTE"], vec![]), "");
    }
}
