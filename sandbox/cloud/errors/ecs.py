"""Errors of instances, key pairs and security groups. Source: the error tables of Ecs 2014-05-26."""

# The classes are named after the codes, and the code with its template says all a docstring could.
# ruff: noqa: D101, N818

from sandbox.cloud.errors.base import ApiError

# Instances and what they are made of


class PrivateAddressMalformed(ApiError):
    code = "InvalidPrivateIpAddress.Malformed"
    template = "Specified private IP address {0} is malformed."


class PrivateAddressOutOfRange(ApiError):
    code = "InvalidPrivateIpAddress"
    template = (
        "Specified private IP address {0} is not in the CIDR block {1} of the virtual switch, or reserved."
    )


class InvalidInstanceIdNotFound(ApiError):
    code = "InvalidInstanceId.NotFound"
    status = 404
    template = "The specified instance {0} does not exist."


class PrivateAddressMismatch(ApiError):
    code = "InvalidPrivateIpAddress.Mismatch"
    template = "Specified private IP address {0} is not in the CIDR block {1} of virtual switch, or reserved."


class PrivateAddressDuplicated(ApiError):
    code = "InvalidPrivateIpAddress.Duplicated"
    template = "Specified private IP address {0} is duplicated."


class PrivateAddressChanging(ApiError):
    code = "InvalidPrivateIp.Changing"
    template = (
        "Previous action is not finished yet: {0} has to be started before its address is changed again."
    )


class VSwitchNotInVpc(ApiError):
    code = "InvalidVSwitchId.NotFound"
    status = 404
    template = "Specified virtual switch {0} is not found in current VPC {1}."


class BoundToHaVip(ApiError):
    """That it is refused, the reference says of a change of the VPC; the code for it is a general one."""

    code = "OperationDenied"
    template = "Specified operation is denied as instance {0} is bound to HaVip {1} of another vSwitch."


class VSwitchInAnotherZone(ApiError):
    code = "InvalidVSwitchId.Mismatch"
    template = "Specified instance and virtual switch are not in the same zone: {0} in {1}, {2} in {3}."


class IncorrectInstanceStatus(ApiError):
    """ECS's own, with its status; VPC says the same with 400."""

    code = "IncorrectInstanceStatus"
    status = 403
    template = (
        "The current status of the resource does not support this operation: instance {0} is {1}, not {2}."
    )


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
    not_served = True
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
