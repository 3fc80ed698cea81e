"""The little of the account's own products that clients ask at start: billing, locations, identity."""

from typing import Literal

from sandbox.api.model import Body, Call
from sandbox.api.registry import BSS, LOCATION, STS, action
from sandbox.cloud.session import Session

ACCOUNT_ID = "1000000000000001"


class QueryAvailableInstances(Call):
    """BssOpenApi reference, QueryAvailableInstances: how clients tell a domestic account from another."""

    page_num: int = 1
    page_size: int = 20
    product_code: str = ""
    product_type: str = ""
    subscription_type: str = ""


class DescribeEndpoints(Call):
    """Location reference, DescribeEndpoints."""

    id: str
    service_code: str
    type: Literal["openAPI"] = "openAPI"


class GetCallerIdentity(Call):
    """STS API reference, GetCallerIdentity."""

    accept_language: str = ""


@action(BSS, QueryAvailableInstances)
def query_available_instances(_session: Session, call: QueryAvailableInstances) -> Body:
    """Show that the account has subscribed to nothing."""
    data: Body = {
        "PageNum": call.page_num,
        "PageSize": call.page_size,
        "TotalCount": 0,
        "InstanceList": [],
    }
    return {"Code": "Success", "Success": True, "Message": "", "Data": data}


@action(LOCATION, DescribeEndpoints)
def describe_endpoints(session: Session, call: DescribeEndpoints) -> Body:
    """Show that every product is served at this one address."""
    endpoint: Body = {
        "Endpoint": session.offer.endpoint,
        "Id": call.id,
        "Namespace": "",
        "SerivceCode": call.service_code,
        "Type": call.type,
        "Protocols": {"Protocols": ["HTTPS"]},
    }
    return {"Success": True, "Endpoints": {"Endpoint": [endpoint]}}


@action(STS, GetCallerIdentity)
def get_caller_identity(_session: Session, _call: GetCallerIdentity) -> Body:
    """Show whose key signed the call."""
    return {
        "AccountId": ACCOUNT_ID,
        "UserId": ACCOUNT_ID,
        "PrincipalId": ACCOUNT_ID,
        "IdentityType": "Account",
        "Arn": f"acs:ram::{ACCOUNT_ID}:root",
    }
