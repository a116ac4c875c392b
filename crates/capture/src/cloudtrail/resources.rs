//! On what it was done.
//!
//! CloudTrail's `resources` where it stands; else the parameters of the call that name one, by a
//! table of the services most used. Parameters stay where they are: the event has a copy.

use event::{Object, Text, Value};

use crate::draft::Draft;
use crate::moves::{at, copy, object_at, put, put_some, take, text};

/// Resources named in one event, at most. More stay where the source has them, where there is a
/// way to keep any number of fields.
const NAMED_MAX: usize = 100;

/// Sets `resources`.
pub(super) fn map(draft: &mut Draft<'_>) {
    let mut resources = take_listed(&mut draft.source);
    if resources.is_empty() {
        resources = named(&draft.source);
    }
    if resources.is_empty() {
        return;
    }
    give_roles(&mut resources);
    let resources: Vec<Value<'_>> = resources.into_iter().map(Value::from).collect();
    put(&mut draft.event, &["resources"], resources);
}

/// The record's own list. What an event's resource has no member for stays in its place.
fn take_listed<'a>(source: &mut Object<'a>) -> Vec<Object<'a>> {
    let Some(Value::Array(listed)) = source.get_mut("resources") else { return Vec::new() };
    let mut resources = Vec::new();
    for item in listed.iter_mut().take(NAMED_MAX) {
        let Value::Object(item) = item else { continue };
        let mut resource = Object::new();
        put_some(&mut resource, &["type"], take(item, &["type"]));
        put_some(&mut resource, &["id"], take(item, &["ARN"]));
        put_some(&mut resource, &["namespace"], take(item, &["accountId"]));
        if let Some(prefix) = take(item, &["ARNPrefix"]) {
            put(&mut resource, &["set", "selector", "ARNPrefix"], prefix);
        }
        if !resource.0.is_empty() {
            resources.push(resource);
        }
    }
    let is_empty = |item: &Value<'_>| item.as_object().is_some_and(|item| item.0.is_empty());
    if !resources.is_empty() && listed.iter().all(is_empty) {
        source.take("resources");
    }
    resources
}

/// Services, their parameters that name a resource, and its type as `resources` would have it.
const PARAMETERS: [(&str, &str, &str); 35] = [
    ("cloudformation", "stackName", "AWS::CloudFormation::Stack"),
    ("cloudtrail", "name", "AWS::CloudTrail::Trail"),
    ("cloudtrail", "trailName", "AWS::CloudTrail::Trail"),
    ("dynamodb", "tableName", "AWS::DynamoDB::Table"),
    ("ec2", "groupId", "AWS::EC2::SecurityGroup"),
    ("ec2", "imageId", "AWS::EC2::Image"),
    ("ec2", "instanceId", "AWS::EC2::Instance"),
    ("ec2", "internetGatewayId", "AWS::EC2::InternetGateway"),
    ("ec2", "networkInterfaceId", "AWS::EC2::NetworkInterface"),
    ("ec2", "routeTableId", "AWS::EC2::RouteTable"),
    ("ec2", "snapshotId", "AWS::EC2::Snapshot"),
    ("ec2", "subnetId", "AWS::EC2::Subnet"),
    ("ec2", "volumeId", "AWS::EC2::Volume"),
    ("ec2", "vpcId", "AWS::EC2::VPC"),
    ("ecr", "repositoryName", "AWS::ECR::Repository"),
    ("guardduty", "detectorId", "AWS::GuardDuty::Detector"),
    ("iam", "groupName", "AWS::IAM::Group"),
    ("iam", "instanceProfileName", "AWS::IAM::InstanceProfile"),
    ("iam", "policyArn", "AWS::IAM::ManagedPolicy"),
    ("iam", "roleName", "AWS::IAM::Role"),
    ("iam", "userName", "AWS::IAM::User"),
    ("kms", "keyId", "AWS::KMS::Key"),
    ("lambda", "functionName", "AWS::Lambda::Function"),
    ("logs", "logGroupName", "AWS::Logs::LogGroup"),
    ("organizations", "accountId", "AWS::Organizations::Account"),
    ("rds", "dBClusterIdentifier", "AWS::RDS::DBCluster"),
    ("rds", "dBInstanceIdentifier", "AWS::RDS::DBInstance"),
    ("rds", "dBSnapshotIdentifier", "AWS::RDS::DBSnapshot"),
    ("s3", "bucketName", "AWS::S3::Bucket"),
    ("secretsmanager", "secretId", "AWS::SecretsManager::Secret"),
    ("sns", "topicArn", "AWS::SNS::Topic"),
    ("sqs", "queueUrl", "AWS::SQS::Queue"),
    ("ssm", "instanceId", "AWS::EC2::Instance"),
    ("ssm", "target", "AWS::EC2::Instance"),
    ("sts", "roleArn", "AWS::IAM::Role"),
];

fn named<'a>(source: &Object<'a>) -> Vec<Object<'a>> {
    let service = text(source, &["eventSource"]).unwrap_or_default();
    let service = service.strip_suffix(".amazonaws.com").unwrap_or(service);
    let Some(parameters) = object_at(source, &["requestParameters"]) else { return Vec::new() };
    let mut resources = Vec::new();
    for (_, name, kind) in PARAMETERS.iter().filter(|(of, ..)| *of == service) {
        if let Some(value) = copy(parameters, &[name]) {
            resources.push(resource(name, kind, &value));
        }
    }
    if service == "ec2" {
        instances(source, &mut resources);
    }
    resources
}

fn resource<'a>(parameter: &str, kind: &'static str, value: &Text<'a>) -> Object<'a> {
    let is_id = value.starts_with("arn:")
        || ["Id", "Arn", "Url"].iter().any(|ending| parameter.ends_with(ending))
        || parameter == "target";
    let mut resource = Object::new();
    resource.set("type", kind);
    resource.set(if is_id { "id" } else { "name" }, value.clone());
    resource
}

/// EC2 lists instances; those that a call made stand in the answer alone.
fn instances<'a>(source: &Object<'a>, resources: &mut Vec<Object<'a>>) {
    for side in ["requestParameters", "responseElements"] {
        let items = at(source, &[side, "instancesSet", "items"]).and_then(Value::as_array);
        for item in items.unwrap_or_default().iter().take(NAMED_MAX) {
            if let Some(Value::String(id)) = item.as_object().and_then(|i| i.get("instanceId")) {
                resources.push(resource("instanceId", "AWS::EC2::Instance", id));
            }
        }
        if !resources.is_empty() {
            return;
        }
    }
}

/// Types of those who gain or lose when a policy is attached or detached.
const PRINCIPALS: [&str; 3] = ["AWS::IAM::User", "AWS::IAM::Role", "AWS::IAM::Group"];

/// One resource alone is the target. Of several, only what the types say is said.
fn give_roles(resources: &mut [Object<'_>]) {
    if let [only] = resources {
        only.set("role", "target");
        return;
    }
    let is = |resource: &Object<'_>, kind: &str| resource.str("type") == Some(kind);
    let object = resources.iter().any(|r| is(r, "AWS::S3::Object"));
    let policy = resources.iter().any(|r| is(r, "AWS::IAM::ManagedPolicy"));
    for resource in resources {
        let principal = PRINCIPALS.iter().any(|kind| is(resource, kind));
        let role = match resource.str("type") {
            Some("AWS::S3::Object") => "target",
            Some("AWS::S3::Bucket") if object => "parent",
            Some("AWS::IAM::ManagedPolicy") => "target",
            _ if principal && policy => "affected",
            _ => continue,
        };
        resource.set("role", role);
    }
}
