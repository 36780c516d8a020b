//! Tables. On a narrow screen each row becomes a card, whose cells are named by their columns: their roles are written out, since a browser forgets them
//! with the layout.

use maud::{Markup, html};

/// A table: what it is of, its columns, and its rows, of each of which the first cell names it. `empty` is said where there are none.
pub(crate) fn table(caption: &str, columns: &[&str], rows: &[Vec<Markup>], empty: &str) -> Markup {
    html! {
        @if rows.is_empty() {
            p.empty { (empty) }
        } @else {
            table role="table" {
                caption { (caption) }
                thead role="rowgroup" {
                    tr role="row" { @for column in columns { th role="columnheader" scope="col" { (column) } } }
                }
                tbody role="rowgroup" {
                    @for row in rows {
                        tr role="row" {
                            @for (place, cell) in row.iter().enumerate() {
                                @if place == 0 {
                                    th role="rowheader" scope="row" { (cell) }
                                } @else {
                                    td role="cell" data-column=(columns.get(place).copied().unwrap_or_default()) { div { (cell) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_its_columns_and_rows() {
        let rows = [vec![html! { "one" }, html! { "1" }]];
        let page = table("Numbers", &["Name", "Value"], &rows, "None.").into_string();
        for part in
            ["<caption>Numbers</caption>", "scope=\"col\">Name<", "scope=\"row\">one<", "data-column=\"Value\"><div>1<"]
        {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert_eq!(table("Numbers", &["Name"], &[], "None.").into_string(), "<p class=\"empty\">None.</p>");
    }
}
