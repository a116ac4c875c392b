//! Which action, which verb, which kind, and the service.
//!
//! `action` is `<resource>[.<subresource>].<verb>` in Kubernetes' own words; a request for a path
//! that is no resource is `nonresource.<verb>`. What it is made of stays where it was.

use crate::draft::Draft;
use crate::moves::{object_at, put, put_some, text};

/// What a rule may look at.
struct Request<'v> {
    resource: &'v str,
    subresource: &'v str,
    verb: &'v str,
    has_object: bool,
}

/// Verbs of subresources that are more than the request's own verb says.
const SUBRESOURCES: [(&str, &str); 4] =
    [("exec", "execute"), ("attach", "connect"), ("portforward", "connect"), ("proxy", "connect")];

/// Verbs of requests. Of a path that is no resource, the verb is the HTTP method.
const VERBS: [(&str, &str); 13] = [
    ("get", "read"),
    ("head", "read"),
    ("options", "read"),
    ("watch", "read"),
    ("list", "list"),
    ("create", "create"),
    ("post", "create"),
    ("update", "update"),
    ("put", "update"),
    ("patch", "update"),
    ("delete", "delete"),
    ("deletecollection", "delete"),
    ("connect", "connect"),
];

/// Kinds of resources: of a reading and of a change.
const KINDS: [(&str, &str, &str); 14] = [
    ("secrets", "data_read", "data_change"),
    ("configmaps", "data_read", "config"),
    ("roles", "admin", "permission"),
    ("clusterroles", "admin", "permission"),
    ("rolebindings", "admin", "permission"),
    ("clusterrolebindings", "admin", "permission"),
    ("subjectaccessreviews", "authorization", "authorization"),
    ("selfsubjectaccessreviews", "authorization", "authorization"),
    ("localsubjectaccessreviews", "authorization", "authorization"),
    ("selfsubjectrulesreviews", "authorization", "authorization"),
    ("tokenreviews", "authentication", "authentication"),
    ("certificatesigningrequests", "admin", "authentication"),
    ("events", "system", "system"),
    ("leases", "system", "system"),
];

/// Kinds of subresources, whatever the resource and the verb.
const SUBRESOURCE_KINDS: [(&str, &str); 6] = [
    ("exec", "session"),
    ("attach", "session"),
    ("portforward", "session"),
    ("proxy", "session"),
    ("token", "authentication"),
    ("log", "data_read"),
];

/// Sets `service.name`, `action`, `verb` and `kind`.
pub(super) fn map(draft: &mut Draft<'_>) {
    // The format is an API server's; which one, the record does not say.
    put(&mut draft.event, &["service", "name"], "kube-apiserver");
    let read = |path: &[&str]| text(&draft.source, path).unwrap_or_default();
    let request = Request {
        resource: read(&["objectRef", "resource"]),
        subresource: read(&["objectRef", "subresource"]),
        verb: read(&["verb"]),
        has_object: object_at(&draft.source, &["objectRef"]).is_some(),
    };
    if request.verb.is_empty() {
        return;
    }
    let (action, verb, kind) = (action(&request), verb(&request), kind(&request));
    put(&mut draft.event, &["action"], action);
    put(&mut draft.event, &["verb"], verb);
    put_some(&mut draft.event, &["kind"], kind);
}

fn action(request: &Request<'_>) -> String {
    let resource = if request.resource.is_empty() { "nonresource" } else { request.resource };
    match request.subresource {
        "" => format!("{resource}.{}", request.verb),
        sub => format!("{resource}.{}.{}", sub.replace('/', "."), request.verb),
    }
}

fn verb(request: &Request<'_>) -> &'static str {
    lookup(&SUBRESOURCES, request.subresource)
        .or_else(|| lookup(&VERBS, request.verb))
        .unwrap_or("other")
}

fn kind(request: &Request<'_>) -> Option<&'static str> {
    if !request.has_object {
        return Some("system");
    }
    if let Some(kind) = lookup(&SUBRESOURCE_KINDS, request.subresource) {
        return Some(kind);
    }
    let reading = match lookup(&VERBS, request.verb)? {
        "read" | "list" => true,
        "create" | "update" | "delete" => false,
        _ => return None,
    };
    let known = KINDS.iter().find(|(resource, ..)| *resource == request.resource);
    let (_, read, change) = known.unwrap_or(&("", "admin", "config"));
    Some(if reading { read } else { change })
}

fn lookup(table: &[(&str, &'static str)], word: &str) -> Option<&'static str> {
    table.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_verbs_and_kinds() {
        for (resource, subresource, verb_sent, want) in [
            ("secrets", "", "get", "secrets.get read data_read"),
            ("secrets", "", "create", "secrets.create create data_change"),
            ("pods", "exec", "create", "pods.exec.create execute session"),
            ("pods", "exec", "get", "pods.exec.get execute session"),
            ("pods", "log", "get", "pods.log.get read data_read"),
            ("services", "proxy", "get", "services.proxy.get connect session"),
            (
                "serviceaccounts",
                "token",
                "create",
                "serviceaccounts.token.create create authentication",
            ),
            ("deployments", "scale", "patch", "deployments.scale.patch update config"),
            ("pods", "", "deletecollection", "pods.deletecollection delete config"),
            ("pods", "", "watch", "pods.watch read admin"),
            ("clusterrolebindings", "", "delete", "clusterrolebindings.delete delete permission"),
            ("widgets", "", "frobnicate", "widgets.frobnicate other -"),
            ("", "", "get", "nonresource.get read system"),
        ] {
            let has_object = !resource.is_empty();
            let r = Request { resource, subresource, verb: verb_sent, has_object };
            let got = format!("{} {} {}", action(&r), verb(&r), kind(&r).unwrap_or("-"));
            assert_eq!(got, want);
        }
    }
}
