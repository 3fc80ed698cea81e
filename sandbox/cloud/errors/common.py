"""Errors of the call itself, of credentials and of tags: the same in every product. Source: "Common error codes"."""

# The classes are named after the codes, and the code with its template says all a docstring could.
# ruff: noqa: D101, N818

from sandbox.cloud.errors.base import ApiError

# The call itself


class InvalidActionNotFound(ApiError):
    """Of an address that leads to no action."""

    code = "InvalidAction.NotFound"
    status = 404
    template = (
        "Specified api is not found, please check your url and method. The sandbox does not serve {0} of {1}."
    )
    not_served = True


class ActionNotServed(ApiError):
    """Not with 404 or "NotFound", which say that a resource is gone: clients would forget it without a word."""

    code = "UnsupportedOperation.NotServed"
    template = "The sandbox does not serve {0} of {1}."
    not_served = True


class InvalidVersion(ApiError):
    code = "InvalidVersion"
    template = "Specified parameter Version is not valid. The sandbox serves no API of version {0}: {1}."
    not_served = True


class UnknownParameter(ApiError):
    code = "InvalidParameter.Unknown"
    not_served = True
    template = "The sandbox does not know the parameter {0} of {1}; the known ones are: {2}."


class ParameterNotServed(ApiError):
    code = "InvalidParameter.NotServed"
    not_served = True
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


class DryRunOperation(ApiError):
    """No error: the answer to a call that would have been done."""

    code = "DryRunOperation"
    template = "Request validation has been passed with DryRun flag set."


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


# Tags


class InvalidTagKey(ApiError):
    code = "InvalidTagKey.Malformed"
    template = "The specified tag key {0} is not valid: {1}"


class TooManyTags(ApiError):
    code = "NumberExceed.Tags"
    template = "{0} would have more than {1} tags."
