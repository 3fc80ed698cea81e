"""What every error of the API is."""

from typing import ClassVar


class ApiError(Exception):
    """What the API answers instead of a result; the class is the code, the arguments fill its template."""

    code: ClassVar[str]
    status: ClassVar[int] = 400
    template: ClassVar[str] = "{0}"
    not_served: ClassVar[bool] = False
    """Whether the cloud might have done what was asked, and only the sandbox does not."""

    def __init__(self, *values: object) -> None:
        self.message = self.template.format(*values)
        super().__init__(f"{self.code}: {self.message}")
