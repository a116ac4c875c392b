//! Backstage's `catalog-info.yaml`: entities of several kinds, some in one file.
//!
//! | kind | what is taken |
//! | --- | --- |
//! | Component | a service: `metadata.name`, `spec.owner`, else its system's, `spec.lifecycle` |
//! | System | `spec.owner` |
//! | Group, User | `spec.profile.email`: the team's contact |
//!
//! Every other kind is passed over, and so is a Component of the type `library` or `documentation`
//! that names no services. Annotations of ours: `counterfoil/services`, `counterfoil/actions`
//! (names with commas between them), `counterfoil/tier`, `counterfoil/contact`.

use crate::draft::{Draft, Owned};
use crate::error::{CatalogueError, Place};
use crate::model::Service;
use crate::yaml::{self, Fault, Node, Yaml};

/// What our annotations begin with, and what may follow.
const PREFIX: &str = "counterfoil/";
const ANNOTATIONS: [&str; 4] = ["services", "actions", "tier", "contact"];
/// Types of a Component that nobody runs.
const NOT_RUN: [&str; 2] = ["library", "documentation"];

/// Reads a file into the draft.
pub(crate) fn read(file: &str, text: &str, draft: &mut Draft) -> Result<(), CatalogueError> {
    let place = |line: usize| Place { file: file.to_owned(), line };
    let taken = yaml::documents(text, |document| match Entity::of(&document)? {
        Some(entity) => entity.take(draft, place(document.line)),
        None => Ok(()),
    });
    taken.map_err(|(line, what)| CatalogueError::at(&place(line), what))
}

/// One entity of a kind that says something of owners.
struct Entity<'y> {
    kind: Kind,
    name: &'y str,
    namespace: &'y str,
    metadata: &'y Yaml,
    yaml: &'y Yaml,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Component,
    System,
    Group,
    User,
}

impl<'y> Entity<'y> {
    fn of(yaml: &'y Yaml) -> Result<Option<Entity<'y>>, Fault> {
        if yaml.node == Node::Null {
            return Ok(None);
        }
        let line = yaml.line;
        match yaml.text("apiVersion")? {
            Some(version) if version.starts_with("backstage.io/") => {}
            _ => {
                let what = "not a Backstage entity: apiVersion must begin with backstage.io/";
                return Err((line, what.into()));
            }
        }
        let kind = match yaml.text("kind")?.unwrap_or_default() {
            "" => return Err((line, "the entity has no kind, such as Component".into())),
            "Component" => Kind::Component,
            "System" => Kind::System,
            "Group" => Kind::Group,
            "User" => Kind::User,
            _ => return Ok(None),
        };
        let metadata = yaml.get("metadata");
        let metadata = metadata.ok_or_else(|| (line, "the entity has no metadata".to_owned()))?;
        let name = metadata.text("name")?;
        let name = name.ok_or_else(|| (metadata.line, "the metadata have no name".to_owned()))?;
        let namespace = metadata.text("namespace")?.unwrap_or("default");
        Ok(Some(Entity { kind, name, namespace, metadata, yaml }))
    }

    fn take(&self, draft: &mut Draft, place: Place) -> Result<(), Fault> {
        let line = place.line;
        let owner = self.spec("owner")?.map(|owner| team(&self.reference(owner, "group")));
        let taken = match self.kind {
            Kind::Component => return self.component(draft, owner.unwrap_or_default(), &place),
            Kind::System => draft.system(&self.own_reference("system"), owner, place),
            Kind::Group | Kind::User => {
                let profile = self.yaml.get("spec").and_then(|spec| spec.get("profile"));
                let email = profile.map_or(Ok(None), |profile| profile.text("email"))?;
                let contact = self.annotation("contact")?.or(email).map(str::to_owned);
                let kind = if self.kind == Kind::Group { "group" } else { "user" };
                draft.team(&team(&self.own_reference(kind)), contact, place)
            }
        };
        taken.map_err(|what| (line, what))
    }

    fn component(&self, draft: &mut Draft, team: String, place: &Place) -> Result<(), Fault> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let names = match self.annotation("services")? {
            Some(names) => list(names),
            None if self.spec("type")?.is_some_and(|kind| NOT_RUN.contains(&kind)) => Vec::new(),
            None => vec![self.name.to_owned()],
        };
        let service = Service {
            team,
            contact: owned(self.annotation("contact")?),
            tier: owned(self.annotation("tier")?),
            lifecycle: owned(self.spec("lifecycle")?),
            actions: self.annotation("actions")?.map(list).unwrap_or_default(),
        };
        let system = self.spec("system")?.map(|system| self.reference(system, "system"));
        for name in &names {
            let owned = Owned { service: service.clone(), system: system.clone() };
            draft.service(name, owned, place.clone()).map_err(|what| (place.line, what))?;
        }
        Ok(())
    }

    fn spec(&self, key: &str) -> Result<Option<&'y str>, Fault> {
        self.yaml.get("spec").map_or(Ok(None), |spec| spec.text(key))
    }

    /// One of our annotations. Another with our prefix is a slip, and refused.
    fn annotation(&self, key: &str) -> Result<Option<&'y str>, Fault> {
        let Some(annotations) = self.metadata.get("annotations") else { return Ok(None) };
        let Node::Map(members) = &annotations.node else {
            return Err((annotations.line, "annotations must be a map".into()));
        };
        for (name, value) in members {
            let ours = name.strip_prefix(PREFIX);
            if ours.is_some_and(|name| !ANNOTATIONS.contains(&name)) {
                let known = ANNOTATIONS.map(|name| format!("{PREFIX}{name}")).join(", ");
                return Err((value.line, format!("no annotation {name:?}; allowed: {known}")));
            }
        }
        annotations.text(&format!("{PREFIX}{key}"))
    }

    /// `kind:namespace/name` of an entity that this one names.
    fn reference(&self, text: &str, kind: &str) -> String {
        let text = text.to_lowercase();
        let (kind, rest) = text.split_once(':').unwrap_or((kind, &text));
        match rest.split_once('/') {
            Some(_) => format!("{kind}:{rest}"),
            None => format!("{kind}:{}/{rest}", self.namespace.to_lowercase()),
        }
    }

    fn own_reference(&self, kind: &str) -> String {
        format!("{kind}:{}/{}", self.namespace, self.name).to_lowercase()
    }
}

/// A reference as a team's name: what Backstage takes for granted is left out.
fn team(reference: &str) -> String {
    let name = reference.strip_prefix("group:").unwrap_or(reference);
    let (kind, name) = name.split_once(':').map_or(("", name), |(kind, name)| (kind, name));
    let name = name.strip_prefix("default/").unwrap_or(name);
    if kind.is_empty() { name.to_owned() } else { format!("{kind}:{name}") }
}

/// Names with commas between them.
fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
