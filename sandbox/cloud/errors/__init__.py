"""One class for each error code of the API, with the HTTP status and the wording the cloud gives it, by product.

Codes and status come from the error tables of the API reference. The two products give one code different status: VPC
400 where ECS has 403. Clients decide by them: HTTP 404, or ``NotFound`` in a message, means "the resource is gone".
What only the sandbox has (a parameter it does not know or does not act on) is 400.
"""

from sandbox.cloud.errors import common, ecs, vpc
from sandbox.cloud.errors.base import ApiError

__all__ = ["ApiError", "common", "ecs", "vpc"]
