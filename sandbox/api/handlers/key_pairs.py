"""Key pairs (Ecs 2014-05-26)."""

from pydantic import Field, JsonValue

from sandbox.api.model import Body, Call, JsonList, ShortPaged, Tag, as_dict, ecs_tags, has_tags, names
from sandbox.api.registry import ECS, action
from sandbox.cloud import key_pairs
from sandbox.cloud.session import Session
from sandbox.cloud.state import KeyPair

_NAME = r"^[A-Za-z\u4e00-\u9fff][\w:.\-]{1,127}$"


class CreateKeyPair(Call):
    """ECS API reference, CreateKeyPair."""

    not_served = names("ResourceGroupId")

    key_pair_name: str = Field(pattern=_NAME)
    tag: tuple[Tag, ...] = ()


class ImportKeyPair(Call):
    """ECS API reference, ImportKeyPair."""

    not_served = names("ResourceGroupId")

    key_pair_name: str = Field(pattern=_NAME)
    public_key_body: str
    tag: tuple[Tag, ...] = ()


class DescribeKeyPairs(ShortPaged):
    """ECS API reference, DescribeKeyPairs."""

    not_served = names("IncludePublicKey ResourceGroupId")

    key_pair_name: str | None = None
    key_pair_finger_print: str = ""
    tag: tuple[Tag, ...] = ()


class DeleteKeyPairs(Call):
    """ECS API reference, DeleteKeyPairs."""

    key_pair_names: JsonList


class AttachKeyPair(Call):
    """ECS API reference, AttachKeyPair."""

    key_pair_name: str
    instance_ids: JsonList


class DetachKeyPair(Call):
    """ECS API reference, DetachKeyPair."""

    key_pair_name: str
    instance_ids: JsonList


@action(ECS, CreateKeyPair, changes=True)
def create_key_pair(session: Session, call: CreateKeyPair) -> Body:
    """Make a key pair and tell its private half, once."""
    pair = key_pairs.create(session, call.key_pair_name, as_dict(call.tag))
    return {
        "KeyPairId": f"ssh-{pair.record.fingerprint[:20]}",
        "KeyPairName": pair.record.name,
        "KeyPairFingerPrint": pair.record.fingerprint,
        "PrivateKeyBody": pair.private_key,
    }


@action(ECS, ImportKeyPair, changes=True)
def import_key_pair(session: Session, call: ImportKeyPair) -> Body:
    """Take a public key."""
    pair = key_pairs.import_(session, call.key_pair_name, call.public_key_body, as_dict(call.tag))
    return {"KeyPairName": pair.name, "KeyPairFingerPrint": pair.fingerprint}


@action(ECS, DescribeKeyPairs)
def describe_key_pairs(session: Session, call: DescribeKeyPairs) -> Body:
    """Show the key pairs that pass the filters."""
    found = [
        pair
        for pair in session.here(session.state.key_pairs)
        if call.key_pair_name in (None, pair.name)
        and call.key_pair_finger_print in ("", pair.fingerprint)
        and has_tags(pair.tags, call.tag)
    ]
    shown: list[JsonValue] = [_key_pair(pair) for pair in call.page(found)]
    return {"KeyPairs": {"KeyPair": shown}, **call.counts(found)}


@action(ECS, DeleteKeyPairs, changes=True)
def delete_key_pairs(session: Session, call: DeleteKeyPairs) -> Body:
    """Remove key pairs."""
    key_pairs.delete(session, list(call.key_pair_names))
    return {}


@action(ECS, AttachKeyPair, changes=True)
def attach_key_pair(session: Session, call: AttachKeyPair) -> Body:
    """Give instances a key pair; it is in force from their next boot."""
    pair = session.key_pair(call.key_pair_name)
    return _for_each(session, call.instance_ids, pair.name)


@action(ECS, DetachKeyPair, changes=True)
def detach_key_pair(session: Session, call: DetachKeyPair) -> Body:
    """Take a key pair from instances; it is in force until their next boot."""
    session.key_pair(call.key_pair_name)
    return _for_each(session, call.instance_ids, "")


def _for_each(session: Session, instance_ids: tuple[str, ...], name: str) -> Body:
    for instance_id in instance_ids:
        session.instance(instance_id).key_pair = name
    results: list[JsonValue] = [
        {"InstanceId": instance_id, "Code": "200", "Success": "true", "Message": "successful"}
        for instance_id in instance_ids
    ]
    return {"TotalCount": str(len(results)), "FailCount": "0", "Results": {"Result": results}}


def _key_pair(pair: KeyPair) -> Body:
    return {
        "KeyPairName": pair.name,
        "KeyPairFingerPrint": pair.fingerprint,
        "CreationTime": pair.created,
        "ResourceGroupId": "",
        "Tags": ecs_tags(pair.tags),
    }
