"""One class for each error code of the API, with the HTTP status and the wording the cloud gives it.

Codes and status come from the error tables of the API reference (Vpc 2016-04-28, Ecs 2014-05-26), those about the call
itself from "Common error codes". The two products give one code different status: VPC 400 where ECS has 403. Clients
decide by them: HTTP 404, or ``NotFound`` in a message, means "the resource is gone", so no other error carries either.
What the cloud does not have (an action or parameter the sandbox does not know) is 400.
"""

# The classes are named after the codes, and the code with its template says all a docstring could.
# ruff: noqa: D101, N818

from typing import ClassVar


class ApiError(Exception):
    """What the API answers instead of a result; the class is the code, the arguments fill its template."""

    code: ClassVar[str]
    status: ClassVar[int] = 400
    template: ClassVar[str] = "{0}"

    def __init__(self, *values: object) -> None:
        self.message = self.template.format(*values)
        super().__init__(f"{self.code}: {self.message}")


# The call itself


class InvalidAction(ApiError):
    code = "InvalidAction"
    template = "The sandbox does not know the action {0} of API version {1}."


class UnknownParameter(ApiError):
    code = "InvalidParameter.Unknown"
    template = "The sandbox does not know the parameter {0} of {1}; the known ones are: {2}."


class ParameterNotServed(ApiError):
    code = "InvalidParameter.NotServed"
    template = (
        "The parameter {0} of {1} is the real API's, but the sandbox does not act on it; leave it away."
    )


class InvalidParameter(ApiError):
    code = "InvalidParameter"
    template = "The specified parameter {0} is not valid: {1}"


class MissingParameter(ApiError):
    code = "MissingParameter"
    template = "The input parameter {0} that is mandatory for processing this request is not supplied."


class IdempotentParameterMismatch(ApiError):
    code = "IdempotentParameterMismatch"
    template = "The client token {0} was used before by a request of {1} with other parameters."


class SandboxFailure(ApiError):
    """The sandbox itself failed. Not a 5xx code: clients repeat those for minutes before anybody is told."""

    code = "SandboxFailure"
    template = "{0} (the server's log says more)"


class InvalidRegionIdNotFound(ApiError):
    code = "InvalidRegionId.NotFound"
    status = 404
    template = "The specified region {0} is not one of the sandbox's: {1}."


# Faults that were asked for


class Throttling(ApiError):
    code = "Throttling"
    template = "Request was denied due to request throttling."


class ServiceUnavailable(ApiError):
    code = "ServiceUnavailable"
    status = 503
    template = "The request has failed due to a temporary failure of the server."


# Credentials


class InvalidAccessKeyIdNotFound(ApiError):
    code = "InvalidAccessKeyId.NotFound"
    status = 404
    template = "Specified access key is not found."


class SignatureDoesNotMatch(ApiError):
    """SDKs look for what follows the first colon, to tell a wrong secret from a wrong string to sign."""

    code = "SignatureDoesNotMatch"
    template = "Specified signature is not matched with our calculation. server string to sign is:{0}"


class HeaderSignatureDoesNotMatch(SignatureDoesNotMatch):
    """The same for ACS3."""

    template = "Specified signature does not match our calculation. server CanonicalRequest is [{0}]"


class SignatureNonceUsed(ApiError):
    code = "SignatureNonceUsed"
    template = "Specified signature nonce was used already."


class IncompleteSignature(ApiError):
    code = "IncompleteSignature"
    template = "The request signature does not conform to the API's standards: {0}"


class InvalidTimeStampFormat(ApiError):
    code = "InvalidTimeStamp.Format"
    template = "The time stamp {0} is not of the form 2026-01-31T12:00:00Z."


class InvalidTimeStampExpired(ApiError):
    code = "InvalidTimeStamp.Expired"
    template = "The time stamp {0} is more than {1} minutes away from the server's clock."


# VPC and vSwitch


class InvalidVpcIdNotFound(ApiError):
    code = "InvalidVpcId.NotFound"
    status = 404
    template = "The specified VPC {0} does not exist."


class InvalidVSwitchIdNotFound(ApiError):
    code = "InvalidVSwitchId.NotFound"
    status = 404
    template = "The specified vSwitch {0} does not exist."


class InvalidZoneIdNotFound(ApiError):
    code = "InvalidZoneId.NotFound"
    status = 404
    template = "The specified zone {0} does not exist in region {1}."


class InvalidCidrBlock(ApiError):
    code = "InvalidParameter"
    template = "Specified CIDR block {0} is not valid: {1}"


class InvalidCidrBlockOverlapped(ApiError):
    code = "InvalidCidrBlock.Overlapped"
    template = "The specified CIDR block {0} overlaps with {1} of vSwitch {2}."


class InvalidVpcName(ApiError):
    code = "InvalidVpcName.Malformed"
    template = "Specified VPC name is not valid: {0}."


class InvalidVpcDescription(ApiError):
    """The spelling is the API's, here and with its neighbours."""

    code = "InvalidVpcDiscription.Malformed"
    template = "Specified VPC description is not valid: {0}."


class InvalidVSwitchName(ApiError):
    code = "InvalidVSwitchName.Malformed"
    template = "Specified virtual switch name is not valid: {0}."


class InvalidVSwitchDescription(ApiError):
    code = "InvalidVSwitchDiscription.Malformed"
    template = "Specified virtual switch description is not valid: {0}."


class InvalidName(ApiError):
    code = "InvalidName.Malformed"
    template = "The specified Name is not valid: {0}."


class InvalidDescription(ApiError):
    code = "InvalidDescription.Malformed"
    template = "The specified Description is wrongly formed: {0}."


class VpcQuotaExceeded(ApiError):
    code = "QuotaExceeded.Vpc"
    template = "VPC quota exceeded: a region has {0} at most."


class VSwitchQuotaExceeded(ApiError):
    code = "QuotaExceeded.VSwitch"
    template = "Virtual switch quota exceeded: a VPC has {0} at most."


class DependencyViolationVSwitch(ApiError):
    code = "DependencyViolation.VSwitch"
    template = "VPC {0} still holds vSwitch {1}."


class DependencyViolationSecurityGroup(ApiError):
    code = "DependencyViolation.SecurityGroup"
    template = "VPC {0} still holds security group {1}."


class DependencyViolation(ApiError):
    code = "DependencyViolation"
    template = "{0} cannot be deleted while it is used by {1}."


class DependencyViolationHaVip(ApiError):
    code = "DependencyViolation.HaVip"
    template = "vSwitch {0} still holds HaVip {1}."


# HaVip


class InvalidHaVipIdNotFound(ApiError):
    code = "InvalidHaVipId.NotFound"
    status = 404
    template = "The specified HaVip {0} does not exist."


class IncorrectStatus(ApiError):
    code = "IncorrectStatus"
    template = "HaVip {0} is {1}; it can be deleted only when it is Available."


class DependencyViolationHaVipAssociatedWithEip(ApiError):
    code = "DependencyViolation.HaVipAssociatedWithEIP"
    template = "HaVip {0} cannot be deleted while EIP {1} is associated with it."


class InstancesPerHaVipExceeded(ApiError):
    code = "CountLimitExceeded.HaVipOnECSInstance"
    template = "HaVip {0} has reached its limit of {1} instances."


class HaVipsPerInstanceExceeded(ApiError):
    code = "CountLimitExceed.HaVipOnInstance"
    template = "Instance {0} has reached its limit of {1} HaVips."


class HaVipQuotaExceeded(ApiError):
    code = "QuotaExceeded.HaVip"
    template = "The limit of {0} HaVips is reached."


class InvalidParameterMismatch(ApiError):
    code = "InvalidParameter.Mismatch"
    template = "{0} {1} is not in vSwitch {2}: a HaVip and its instances share one vSwitch."


class ResourceAlreadyAssociated(ApiError):
    code = "ResourceAlreadyAssociated"
    template = "HaVip {0} and instance {1} are associated already."


class ResourceNotAssociated(ApiError):
    code = "ResourceNotAssociated"
    template = "HaVip {0} and instance {1} are not associated."


class UnassociateMaster(ApiError):
    code = "Forbidden.UnassociateMaster"
    template = "Instance {0} is the master of HaVip {1}: it is unassociated only with Force=True."


# Addresses


class AddressMalformed(ApiError):
    code = "InvalidIPAddress.Malformed"
    template = "The specified address {0} is not an IPv4 address."


class AddressOutOfRange(ApiError):
    code = "InvalidIPAddress.OutOfRange"
    template = "The specified address {0} is outside the vSwitch's {1}."


class AddressReserved(ApiError):
    code = "InvalidIPAddress.NotAvailable"
    template = "The specified address {0} is reserved: the first and the last three of {1} are."


class AddressInUse(ApiError):
    code = "InvalidIPAddress.AlreadyUsed"
    template = "The specified address {0} is already used by {1}."


class AddressesExhausted(ApiError):
    code = "InvalidVSwitchId.IpNotEnough"
    template = "No address of vSwitch {0} is free."


class PrivateAddressMalformed(ApiError):
    code = "InvalidPrivateIpAddress.Malformed"
    template = "Specified private IP address {0} is malformed."


class PrivateAddressOutOfRange(ApiError):
    code = "InvalidPrivateIpAddress"
    template = (
        "Specified private IP address {0} is not in the CIDR block {1} of the virtual switch, or reserved."
    )


# Instances and what they are made of


class InvalidInstanceIdNotFound(ApiError):
    code = "InvalidInstanceId.NotFound"
    status = 404
    template = "The specified instance {0} does not exist."


class IncorrectInstanceStatus(ApiError):
    code = "IncorrectInstanceStatus"
    template = "Instance {0} is {1}; this action needs it to be {2}."


class InstanceStatusUnfit(ApiError):
    """ECS's own, with its status; VPC says the same with 400."""

    code = "IncorrectInstanceStatus"
    status = 403
    template = (
        "The current status of the resource does not support this operation: instance {0} is {1}, not {2}."
    )


class InvalidInstanIdNotFound(ApiError):
    """AssociateEipAddress spells it so."""

    code = "InvalidInstanId.NotFound"
    status = 404
    template = "Specified instance {0} does not exist."


class NetworkMismatch(ApiError):
    code = "InvalidParameter.Mismatch"
    template = "{0} is in {1}, not in {2}."


class InvalidImageIdNotFound(ApiError):
    code = "InvalidImageId.NotFound"
    status = 404
    template = "The specified image {0} does not exist; the sandbox has: {1}."


class InvalidInstanceType(ApiError):
    code = "InvalidInstanceType.ValueNotSupported"
    template = "The specified instance type {0} is not one of the sandbox's: {1}."


class InvalidUserData(ApiError):
    code = "InvalidUserData.Base64FormatInvalid"
    template = "The specified user data is not base64."


class UserDataNotServed(ApiError):
    code = "InvalidUserData.NotServed"
    template = "The sandbox's hosts do not act on this part of the user data: {0}"


class UserDataTooLong(ApiError):
    code = "InvalidUserData.SizeExceeded"
    template = "The specified user data has {0} bytes; the limit is {1}."


class InvalidHostName(ApiError):
    code = "InvalidHostName.Malformed"
    template = "The specified host name {0} is not valid: letters, digits and inner hyphens, 2 to 63 in all."


class InvalidInstanceName(ApiError):
    code = "InvalidInstanceName.Malformed"
    template = "The specified parameter InstanceName is not valid: {0}."


class DeletionProtected(ApiError):
    code = "InvalidOperation.DeletionProtection"
    status = 403
    template = "The operation is not allowed due to deletion protection of {0}."


class EipDeletionProtected(ApiError):
    """VPC's own, with its status."""

    code = "InvalidOperation.DeletionProtection"
    template = "EIP {0} cannot be released because of deletion protection."


# Key pairs


class InvalidKeyPairNotFound(ApiError):
    code = "InvalidKeyPair.NotFound"
    status = 404
    template = "The specified key pair {0} does not exist."


class InvalidKeyPairNameNotFound(ApiError):
    code = "InvalidKeyPairName.NotFound"
    status = 404
    template = "The specified parameter KeyPairName {0} does not exist in our records."


class KeyPairAlreadyExist(ApiError):
    code = "KeyPair.AlreadyExist"
    template = "The key pair {0} exists already."


class InvalidPublicKeyBody(ApiError):
    code = "InvalidPublicKeyBody.Malformed"
    template = "The specified public key is not one in OpenSSH format: {0}"


class KeyPairAttached(ApiError):
    code = "InvalidParameter.KeypairAlreadyAttachedInstance"
    template = "The key pair {0} is attached to instance {1}."


# Security groups


class InvalidSecurityGroupIdNotFound(ApiError):
    code = "InvalidSecurityGroupId.NotFound"
    status = 404
    template = "The specified security group {0} does not exist."


class InvalidSecurityGroupName(ApiError):
    code = "InvalidSecurityGroupName.Malformed"
    template = "Specified security group name is not valid: {0}."


class InvalidSecurityGroupDescription(ApiError):
    code = "InvalidSecurityGroupDiscription.Malformed"
    template = "Specified security group description is not valid: {0}."


class GroupInUse(ApiError):
    """ECS's own, with its status."""

    code = "DependencyViolation"
    status = 403
    template = "There is still instance(s) in the specified security group: {0} is in {1}."


class GroupReferenced(ApiError):
    code = "DependencyViolation"
    status = 403
    template = "The specified security group has been authorized in another one: {0} in {1}."


class InvalidInstanceIdMismatch(ApiError):
    code = "InvalidInstanceId.Mismatch"
    template = "Specified instance and security group are not in the same VPC: {0} is not in {1}."


class SourceGroupMissing(ApiError):
    code = "InvalidSourceGroupId.NotFound"
    status = 404
    template = "The SourceGroupId {0} provided does not exist in our records."


class DestGroupMissing(ApiError):
    code = "InvalidDestGroupId.NotFound"
    status = 404
    template = "The DestGroupId {0} provided does not exist in our records."


class SourceGroupMismatch(ApiError):
    code = "InvalidSourceGroupId.Mismatch"
    template = "Specified security group and source group {0} are not in the same VPC {1}."


class DestGroupMismatch(ApiError):
    code = "InvalidDestGroupId.Mismatch"
    template = "Specified security group and destination group {0} are not in the same VPC {1}."


class GroupNamesItself(ApiError):
    """The spelling is the API's."""

    code = "InvalidParamter.Conflict"
    status = 403
    template = "The specified SecurityGroupId should be different from the SourceGroupId or DestGroupId {0}."


class InvalidPriority(ApiError):
    code = "InvalidPriority.ValueNotSupported"
    template = "The parameter Priority is invalid: {0} is outside 1 to 100."


class InvalidPortRange(ApiError):
    code = "InvalidParam.PortRange"
    template = "PortRange {0} with IpProtocol {1} is not valid: {2}."


class InvalidIpProtocol(ApiError):
    code = "InvalidIpProtocol.ValueNotSupported"
    template = "IpProtocol {0} is none of TCP, UDP, ICMP, GRE and All, in any case."


class InvalidPolicy(ApiError):
    code = "InvalidPolicy.Malformed"
    template = "The specified parameter Policy is not valid: {0} is neither accept nor drop."


class InvalidSourceCidr(ApiError):
    code = "InvalidSourceCidrIp.Malformed"
    template = "The specified parameter SourceCidrIp is not valid: {0}."


class InvalidDestCidr(ApiError):
    code = "InvalidDestCidrIp.Malformed"
    template = "The specified parameter DestCidrIp is not valid: {0}."


class MissingSource(ApiError):
    code = "MissingParameter.Source"
    template = "One of the parameters SourceCidrIp and SourceGroupId must be specified."


class MissingDest(ApiError):
    code = "MissingParameter.Dest"
    template = "One of the parameters DestCidrIp and DestGroupId must be specified."


class AuthorizationLimitExceed(ApiError):
    code = "AuthorizationLimitExceed"
    status = 403
    template = "The limit of {0} authorization records in the security group reaches."


class GroupsPerInstanceExceeded(ApiError):
    code = "InstanceSecurityGroupLimitExceeded"
    status = 403
    template = "Exceeding the allowed amount of {0} security groups that an instance can be in."


class AlreadyInGroup(ApiError):
    code = "InvalidInstanceId.AlreadyExists"
    status = 403
    template = "The specified instance {0} already exists in the specified security group {1}."


class NotInGroup(ApiError):
    code = "InstanceNotInSecurityGroup"
    status = 403
    template = "The instance {0} is not in the group {1}."


class InvalidSecurityGroupRuleIdNotFound(ApiError):
    code = "InvalidSecurityGroupRuleId.NotFound"
    status = 404
    template = "Security group {0} has no such rule."


class LastSecurityGroup(ApiError):
    code = "InstanceLastSecurityGroup"
    status = 403
    template = "The specified security group is the last security group for the instance {0}."


# EIPs


class InvalidAllocationIdNotFound(ApiError):
    code = "InvalidAllocationId.NotFound"
    status = 404
    template = "The specified EIP {0} does not exist."


class IncorrectEipStatus(ApiError):
    code = "IncorrectEipStatus"
    template = "EIP {0} is {1}; this action needs it to be {2}."


class InvalidAssociationDuplicated(ApiError):
    code = "InvalidAssociation.Duplicated"
    template = "{0} is already associated with EIP {1}."


class EipsExhausted(ApiError):
    code = "QuotaExceeded.Eip"
    template = "Elastic IP address quota exceeded: every address of the sandbox's EIP range {0} is allocated."


class EipQuotaExceeded(ApiError):
    code = "QuotaExceeded.Eip"
    template = "Elastic IP address quota exceeded: an account has {0} at most."


# Tags


class InvalidResourceIdNotFound(ApiError):
    code = "InvalidResourceId.NotFound"
    status = 404
    template = "The specified resource {1} of type {0} does not exist."


class InvalidTagKey(ApiError):
    code = "InvalidTagKey.Malformed"
    template = "The specified tag key {0} is not valid: {1}"


class TooManyTags(ApiError):
    code = "NumberExceed.Tags"
    template = "{0} would have more than {1} tags."
