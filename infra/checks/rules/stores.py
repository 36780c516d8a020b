"""Tables, buckets and keys: what is lost with them is lost for good."""

from checks import rule
from checks.stack import Stack

_KEPT = {"Retain", "RetainExceptOnCreate"}


class TableEncrypted(rule.Check):
    """A table is encrypted by a key of KMS."""

    id = "E9101"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, table in stack.properties("DynamoDB::Table"):
            if table.get("SSESpecification", {}).get("SSEEnabled") is not True:
                yield name, "is not encrypted (SSESpecification)"


class TableRecoverable(rule.Check):
    """A table can be brought back to any second of its last weeks."""

    id = "E9102"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, table in stack.properties("DynamoDB::Table"):
            if table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled") is not True:
                yield name, "has no point-in-time recovery"


class Retained(rule.Check):
    """Tables, buckets and keys outlive their stack, and an update that replaces them."""

    id = "E9103"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, resource in stack.of("DynamoDB::Table", "S3::Bucket", "KMS::Key"):
            if resource.get("DeletionPolicy") not in _KEPT:
                yield name, "is deleted with the stack (DeletionPolicy)"
            if resource.get("UpdateReplacePolicy") not in _KEPT:
                yield name, "is deleted by an update that replaces it (UpdateReplacePolicy)"


class TableForgets(rule.Check):
    """A table's records end by themselves, at `expires_at`."""

    id = "E9104"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, table in stack.properties("DynamoDB::Table"):
            if table.get("TimeToLiveSpecification") != {"AttributeName": "expires_at", "Enabled": True}:
                yield name, "keeps its records for ever (TimeToLiveSpecification)"


class BucketEncrypted(rule.Check):
    """A bucket is encrypted."""

    id = "E9111"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, bucket in stack.properties("S3::Bucket"):
            if not bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration"):
                yield name, "is not encrypted (BucketEncryption)"


class BucketPrivate(rule.Check):
    """Nothing makes a bucket public: no policy, no list of an object."""

    id = "E9112"

    def faults(self, stack: Stack) -> rule.Faults:
        every = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        for name, bucket in stack.properties("S3::Bucket"):
            blocked = bucket.get("PublicAccessBlockConfiguration", {})
            if not all(blocked.get(each) is True for each in every):
                yield name, "can be made public (PublicAccessBlockConfiguration)"
            owned = [each.get("ObjectOwnership") for each in bucket.get("OwnershipControls", {}).get("Rules", [])]
            if owned != ["BucketOwnerEnforced"]:
                yield name, "obeys lists of its objects (OwnershipControls)"


class BucketTidy(rule.Check):
    """Parts of uploads that were broken off do not stay in a bucket."""

    id = "E9113"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, bucket in stack.properties("S3::Bucket"):
            rules = bucket.get("LifecycleConfiguration", {}).get("Rules", [])
            if not any(each.get("Status") == "Enabled" and "AbortIncompleteMultipartUpload" in each for each in rules):
                yield name, "keeps broken uploads for ever (LifecycleConfiguration)"


class KeyRotates(rule.Check):
    """A key is renewed every year."""

    id = "E9121"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, key in stack.properties("KMS::Key"):
            if key.get("EnableKeyRotation") is not True:
                yield name, "is never renewed (EnableKeyRotation)"
