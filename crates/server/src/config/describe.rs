//! What people read about settings, made of the table: the annotated file and the page's rows.

use super::{
    Config, Field, LOG, LogConfig, QUOTA, QuotaConfig, Reload, SETTINGS, Setting, Value,
    environment, table,
};

/// Columns of a comment in the annotated file.
const COLUMNS: usize = 96;

const HEAD: &str = "Counterfoil's configuration, with every setting. What is commented out is the \
                    default. `counterfoil config check FILE` says what is wrong with a file, \
                    `counterfoil config show` what is in force and where it came from.";
const ENVIRONMENT: &str = "A variable of the environment wins over this file, an option of the \
                           command line over both: `limits.connections_max` is \
                           COUNTERFOIL_LIMITS__CONNECTIONS_MAX. \"Follows a reload\" means SIGHUP, \
                           `counterfoil config reload`; anything else needs a restart.";

/// A file with every setting as a comment: `docs/counterfoil.toml`.
pub fn annotated() -> String {
    let mut out = comment(HEAD) + "#\n" + &comment(ENVIRONMENT);
    let mut config = Config::default();
    let mut table = "";
    for setting in SETTINGS {
        let (now, name) = setting.name.rsplit_once('.').unwrap_or(("", setting.name));
        if now != table {
            table = now;
            out.push_str(&format!("\n[{table}]\n"));
        }
        out.push_str(&format!("\n{}", remarks(setting)));
        out.push_str(&set(name, &setting.field.get(&mut config)));
    }
    out.push_str(&format!("\n{}", comment(&sentence(table::LOG_WHAT))));
    out.push_str("#[[log]]\n");
    let mut log =
        LogConfig { name: "acme-0".into(), tenant: "acme".into(), ..LogConfig::default() };
    for setting in LOG {
        let name = setting.name.trim_start_matches("log.");
        out.push_str(&format!("\n{}", remarks(setting)));
        out.push_str(&set(name, &setting.field.get(&mut log)));
    }
    out.push_str(&format!("\n{}", comment(&sentence(table::QUOTA_WHAT))));
    out.push_str("#[[quota]]\n");
    let mut quota = QuotaConfig {
        tenant: "acme".into(),
        principal: "billing".into(),
        ..QuotaConfig::default()
    };
    for setting in QUOTA {
        let name = setting.name.trim_start_matches("quota.");
        out.push_str(&format!("\n{}", remarks(setting)));
        out.push_str(&set(name, &setting.field.get(&mut quota)));
    }
    out
}

/// A line that sets something, as a comment.
fn set(name: &str, value: &Value) -> String {
    match value {
        Value::Nothing => format!("#{name} =\n"),
        value => format!("#{name} = {value}\n"),
    }
}

/// The rows of the table in `docs/configuration.md`.
pub fn table_rows() -> String {
    let mut config = Config::default();
    let mut out = String::from(
        "| setting | type | default | allowed | reload | what |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for setting in SETTINGS {
        let default = match setting.field.get(&mut config) {
            Value::Nothing => "none".to_owned(),
            Value::Text(text) => format!("`{}`", Value::Text(text)),
            value => value.to_string(),
        };
        out.push_str(&row(setting, &default));
    }
    out.push_str(&format!(
        "| `log` | list of tables | one | 1 to 500 | no | {} |\n",
        table::LOG_WHAT
    ));
    for setting in LOG {
        let default = match setting.field {
            Field::Flag(_) => "`false`",
            _ => "none",
        };
        out.push_str(&row(setting, default));
    }
    out.push_str(&format!(
        "| `quota` | list of tables | none | at most 1000 | yes | {} |\n",
        table::QUOTA_WHAT
    ));
    for setting in QUOTA {
        let default = if matches!(setting.field, Field::Count { .. }) { "0" } else { "none" };
        out.push_str(&row(setting, default));
    }
    out
}

fn row<T>(setting: &Setting<T>, default: &str) -> String {
    let Setting { name, field, what, .. } = setting;
    let reload = if setting.reload == Reload::Live { "yes" } else { "no" };
    let allowed = allowed(setting);
    format!("| `{name}` | {} | {default} | {allowed} | {reload} | {what} |\n", field.kind())
}

fn allowed<T>(setting: &Setting<T>) -> String {
    let by_type = setting.field.allowed();
    match (by_type.as_str(), setting.allowed) {
        ("", words) => words.to_owned(),
        (_, "") => by_type,
        (_, words) => format!("{by_type}; {words}"),
    }
}

fn remarks<T>(setting: &Setting<T>) -> String {
    let mut out = comment(&sentence(setting.what));
    let allowed = allowed(setting);
    let allowed = if allowed.is_empty() { String::new() } else { format!(": {allowed}") };
    out.push_str(&comment(&format!("{}{allowed}.", capital(setting.field.kind()))));
    let follows = match setting.reload {
        Reload::Live => "Follows a reload.",
        Reload::Restart => "Needs a restart.",
    };
    // A list has no variable.
    let variable = environment::variable(setting.name);
    let listed = ["log.", "quota."].iter().any(|list| setting.name.starts_with(list));
    let variable = if listed { String::new() } else { format!(" {variable}") };
    out + &comment(&format!("{follows}{variable}"))
}

fn sentence(text: &str) -> String {
    format!("{}.", capital(text))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

/// A text as lines of comment.
fn comment(text: &str) -> String {
    let (mut out, mut line) = (String::new(), String::from("#"));
    for word in text.split_whitespace() {
        if line.len() > 1 && line.len() + 1 + word.len() > COLUMNS {
            out.push_str(&line);
            out.push('\n');
            line = "#".into();
        }
        line.push(' ');
        line.push_str(word);
    }
    out + &line + "\n"
}
