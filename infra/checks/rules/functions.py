"""Functions: where they log, and how a new version takes over from the old."""

from checks import rule
from checks.stack import Stack, named, referred


class FunctionLogsApart(rule.Check):
    """Each function has a log group of its own."""

    id = "E9401"

    def faults(self, stack: Stack) -> rule.Faults:
        groups, seen = dict(stack.of("Logs::LogGroup")), set()
        for name, function in stack.properties("Lambda::Function"):
            group = referred(function.get("LoggingConfig", {}).get("LogGroup"))
            if group not in groups or group in seen:
                yield name, "has no log group of its own (LoggingConfig)"
            seen.add(group)


class LogsEnd(rule.Check):
    """Logs are kept for a while, not for ever."""

    id = "E9402"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, group in stack.properties("Logs::LogGroup"):
            if "RetentionInDays" not in group:
                yield name, "keeps logs for ever (RetentionInDays)"


class ArchitectureChosen(rule.Check):
    """Functions are built for what the parameter says: arm64, unless told otherwise. One with a layer is built for what is in that."""

    id = "E9403"

    def faults(self, stack: Stack) -> rule.Faults:
        parameter = stack.template.get("Parameters", {}).get("Architecture", {})
        for name, function in stack.properties("Lambda::Function"):
            chosen = [{"Ref": "Architecture"}], *([["x86_64"]] if function.get("Layers") else [])
            if function.get("Architectures") not in chosen or parameter.get("Default") != "arm64":
                yield name, "is not for arm64 by default (Architectures)"


class CalledThroughAlias(rule.Check):
    """Whatever calls a function calls its alias: only that moves from version to version gradually."""

    id = "E9411"

    def faults(self, stack: Stack) -> rule.Faults:
        shifted = {
            stack.function({"Ref": name})
            for name, alias in stack.of("Lambda::Alias")
            if "CodeDeployLambdaAliasUpdate" in alias.get("UpdatePolicy", {})
        }
        for name, _ in stack.of("Lambda::Function"):
            if name not in shifted:
                yield name, "has no alias that moves gradually (AutoPublishAlias, DeploymentPreference)"
        for name, source in stack.properties("Lambda::EventSourceMapping"):
            if stack.alias(source["FunctionName"]) is None:
                yield name, "calls the function past its alias"
        for name, schedule in stack.properties("Events::Rule"):
            if any(stack.function(target["Arn"]) and stack.alias(target["Arn"]) is None for target in schedule["Targets"]):
                yield name, "calls the function past its alias"
        functions = dict(stack.of("Lambda::Function"))
        for name, api in stack.properties("ApiGateway::RestApi"):
            if functions.keys() & set(named(api.get("Body", {}))):
                yield name, "calls a function past its alias"


class RolledBackOnAlarm(rule.Check):
    """A rollout ends, and the old version is back, when an alarm on the new version goes off."""

    id = "E9412"

    def faults(self, stack: Stack) -> rule.Faults:
        alarms = dict(stack.properties("CloudWatch::Alarm"))
        groups = dict(stack.properties("CodeDeploy::DeploymentGroup"))
        versions = {name: stack.function(version["FunctionName"]) for name, version in stack.properties("Lambda::Version")}
        for name, alias in stack.of("Lambda::Alias"):
            function = stack.function({"Ref": name})
            update = alias.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {})
            group = groups.get(str(referred(update.get("DeploymentGroupName"))), {})
            watched = group.get("AlarmConfiguration", {}).get("Alarms", [])
            seen = {versions.get(each) for alarm in watched for each in named(alarms.get(str(referred(alarm["Name"])), {}))}
            undone = "DEPLOYMENT_STOP_ON_ALARM" in group.get("AutoRollbackConfiguration", {}).get("Events", [])
            if function not in seen or not undone:
                yield str(function), "is not rolled back when its new version fails (DeploymentPreference.Alarms)"


class SettingMakesVersion(rule.Check):
    """A parameter that a function is configured by is told in its version's description: otherwise a change of it makes no version."""

    id = "E9413"

    def faults(self, stack: Stack) -> rule.Faults:
        # Architecture changes the code too.
        parameters = stack.template.get("Parameters", {}).keys() - {"Architecture"}
        functions = dict(stack.properties("Lambda::Function"))
        for _, version in stack.properties("Lambda::Version"):
            function = str(stack.function(version["FunctionName"]))
            used = parameters & set(named({**functions[function], "Code": None}))
            if untold := sorted(used - set(named(version.get("Description")))):
                yield function, f"stays as it is when {', '.join(untold)} changes (VersionDescription)"
