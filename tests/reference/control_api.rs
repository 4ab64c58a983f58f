use crate::{Row, Section};

pub(super) const SECTION: Section = Section {
    title: "The control server's API (`controlAPIKey`)",
    intro: "",
    rows: &[
        Row(
            "control-api-key-invalid",
            "warning",
            "`controlAPIKey` is empty or holds a character that no key has.",
            "A new key, with the printed command.",
        ),
        Row(
            "control-api-key-refused",
            "warning",
            "The server does not know the key, or it has expired.",
            "A new key.",
        ),
        Row(
            "control-api-key-denied",
            "warning",
            "The key may not read the nodes.",
            "A key that may read devices and their routes.",
        ),
        Row(
            "control-api-missing",
            "warning",
            "There is no API where it should be.",
            "Leave `controlAPIKey` out, or check `controlServerURL`.",
        ),
        Row("control-api-garbled", "warning", "The API's answer cannot be read.", "The same."),
        Row("control-api-busy", "warning", "It wants fewer requests for now.", "Wait a minute."),
        Row("control-api-failing", "warning", "The server fails.", "Its log."),
        Row(
            "control-api-unreachable",
            "warning",
            "It cannot be reached, or does not answer in time.",
            "`curl -v URL`.",
        ),
    ],
};
