"""Errors of VPCs, vSwitches, HaVips and EIPs. Source: the error tables of Vpc 2016-04-28."""

# The classes are named after the codes, and the code with its template says all a docstring could.
# ruff: noqa: D101, N818

from sandbox.cloud.errors.base import ApiError

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


# Instances, as VPC speaks of them


class InvalidInstanIdNotFound(ApiError):
    """AssociateEipAddress spells it so."""

    code = "InvalidInstanId.NotFound"
    status = 404
    template = "Specified instance {0} does not exist."


class IncorrectInstanceStatus(ApiError):
    code = "IncorrectInstanceStatus"
    template = "Instance {0} is {1}; this action needs it to be {2}."


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


class EipDeletionProtected(ApiError):
    """VPC's own, with its status."""

    code = "InvalidOperation.DeletionProtection"
    template = "EIP {0} cannot be released because of deletion protection."
