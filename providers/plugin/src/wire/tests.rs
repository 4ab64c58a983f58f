use provider_api::{Error, ErrorKind};
use serde_json::{Value, json};

use super::*;

type ToPlugin = Line<Request, Notice>;
type ToHost = Line<Question, News>;

#[test]
fn a_request_is_written_as_json_rpc_has_it() {
    let written = request(7, &Request::Repair { network: 1, what: Repair::PeerRoutes });
    let expected = json!({
        "jsonrpc": "2.0",
        "id": 7,
        "method": "repair",
        "params": { "network": 1, "what": "peer-routes" },
    });
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), expected);
}

#[test]
fn what_is_written_is_read() {
    let asked = Request::Join { network: 3 };
    let line = ToPlugin::read(&request(1, &asked));
    assert_eq!(line, Ok(Line::Request { id: 1, request: asked }));

    let told = Notice::Cancel { call: 1 };
    assert_eq!(ToPlugin::read(&notice(&told)), Ok(Line::Notice(told)));

    let question = Question::Secret { call: 1, key: "joinKey".into() };
    let line = ToHost::read(&request(2, &question));
    assert_eq!(line, Ok(Line::Request { id: 2, request: question }));

    for given in [Ok(Value::Null), Ok(json!([])), Err(Error::bug("x").into())] {
        let line = ToHost::read(&answer(9, &given));
        assert_eq!(line, Ok(Line::Answer { id: 9, answer: given }));
    }
}

#[test]
fn every_kind_of_error_survives() {
    for kind in ErrorKind::ALL {
        for error in [Error::new(kind, "a-code", "what"), Error::bug("x").fix("a\nb")] {
            assert_eq!(RpcError::from(error.clone()).meant("fake"), error);
        }
    }
}

#[test]
fn an_error_that_is_none_of_the_contract_names_the_plugin() {
    let error = RpcError::plain(-1, "no").meant("fake");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Bug, "plugin-answer"));
    assert!(error.what.contains("fake") && error.what.contains("-1"), "{error}");
}

#[test]
fn what_makes_no_sense_is_refused_with_the_code_that_says_why() {
    for (line, id, code) in [
        ("hello", None, RpcError::UNPARSABLE),
        ("[]", None, RpcError::NO_MESSAGE),
        (r#"{"jsonrpc":"1.0","id":1,"method":"join","params":{"network":1}}"#, Some(1), -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, Some(1), RpcError::NO_MESSAGE),
        (r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":""}}"#, Some(1), -32600),
        (r#"{"jsonrpc":"2.0","id":"1","method":"join"}"#, None, RpcError::NO_MESSAGE),
        (r#"{"jsonrpc":"2.0","id":1,"method":"jion","params":{}}"#, Some(1), RpcError::NO_METHOD),
        (r#"{"jsonrpc":"2.0","id":1,"method":"join"}"#, Some(1), RpcError::PARAMETERS),
        (r#"{"jsonrpc":"2.0","id":1,"method":"join","params":{}}"#, Some(1), -32602),
        (r#"{"jsonrpc":"2.0","method":"join","params":{"network":1}}"#, None, -32601),
    ] {
        let refused = ToPlugin::read(line).expect_err(line);
        assert_eq!((refused.id, refused.error.code), (id, code), "{line}: {refused:?}");
    }
}

/// A method that the enumeration knows and the list of names does not would never be read.
#[test]
fn the_lists_of_methods_are_whole() {
    fn known<M: Methods + serde::de::DeserializeOwned>() -> String {
        let unknown = serde_json::from_value::<M>(json!({ "method": "?", "params": {} }));
        unknown.err().map_or_else(String::new, |error| error.to_string())
    }
    fn is_whole<M: Methods + serde::de::DeserializeOwned>() {
        let known = known::<M>();
        let named = known.matches('`').count() / 2 - 1;
        assert_eq!(named, M::NAMES.len(), "{known}");
        assert!(M::NAMES.iter().all(|name| known.contains(&format!("`{name}`"))), "{known}");
    }
    is_whole::<Request>();
    is_whole::<Notice>();
    is_whole::<Question>();
    is_whole::<News>();
}

/// Every method and every code has a row in the tables of the page.
#[test]
fn the_page_of_the_protocol_is_whole() {
    let page = include_str!("../../../../docs/plugin-protocol.md");
    let methods = [Request::NAMES, Notice::NAMES, Question::NAMES, News::NAMES].concat();
    for method in methods {
        assert!(page.contains(&format!("\n| `{method}` | ")), "{method}");
    }
    let codes = ErrorKind::ALL.map(ErrorKind::rpc_code);
    for code in codes.into_iter().chain([RpcError::CANCELLED]) {
        assert!(page.contains(&format!("\n| {code} | ")), "{code}");
    }
    assert!(page.contains(&format!("Version {PROTOCOL_VERSION}.")));
}

fn is_read_or_refused(line: &str) {
    let refusals = [ToPlugin::read(line).err(), ToHost::read(line).err()];
    for refusal in refusals.into_iter().flatten() {
        assert!([-32700, -32600, -32601, -32602].contains(&refusal.error.code), "{refusal:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_line_is_too_strange_to_be_read(line in ".*") {
        is_read_or_refused(&line);
    }

    /// JSON of about the right shape.
    #[test]
    fn no_message_is_too_strange_to_be_read(
        id in "(1|-1|1.5|\"1\"|null|\\[\\])",
        method in "(\"(join|plan|ledger|record|event|x)\"|1|null)",
        params in "(\\{\"network\":[0-9]{1,25}\\}|\\{\"call\":1,\"entry\":\"left\"\\}|\\[1\\]|null)",
        rest in "(,\"result\":null|,\"error\":\\{\"code\":1,\"message\":\"\"\\}|,\"jsonrpc\":\"2.0\"|)",
    ) {
        let line =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}{rest}}}"#);
        is_read_or_refused(&line);
    }
}
