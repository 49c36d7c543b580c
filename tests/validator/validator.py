"""One Java process that judges resources, a line each way."""

import json
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from tests.validator.build import classpath, missing_tools

__all__ = ["KR_CORE", "Issue", "Resource", "Validator", "ValidatorDied", "missing_tools"]

KR_CORE = Path(__file__).parent / "kr-core"

Resource = Mapping[str, Any] | bytes

# One light compiler and one collector: a short life gains nothing from the others (a quarter of the time).
_JAVA = ["java", "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8"]
_NEWLINES = bytes.maketrans(b"\r\n", b"  ")  # raw ones stand between tokens only, where blanks do as well


@dataclass(frozen=True)
class Issue:
    """One thing the validator says: severity is fatal, error, warning or information, location a FHIRPath."""

    severity: str
    location: str
    message: str
    message_id: str

    @property
    def is_error(self) -> bool:
        return self.severity in ("fatal", "error")

    def __str__(self) -> str:
        return f"{self.severity} at {self.location or '(root)'}: {self.message} [{self.message_id}]"


class ValidatorDied(RuntimeError):
    """Java ended twice at the same resource; its last words are the text."""


class Validator:
    """HL7's validator for R4, started at its first use and kept until the end. Any thread may use it.

    Resources may claim the profiles in `profiles` (folders of StructureDefinitions) besides R4's own.
    """

    def __init__(self, profiles: Iterable[Path] = (KR_CORE,)) -> None:
        self._profiles = [str(folder) for folder in profiles]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process; a later use starts another."""
        with self._lock:
            self._end()

    def validate(self, resources: Iterable[Resource]) -> list[list[Issue]]:
        """What the validator says of each resource, in their order; raises ValidatorDied."""
        lines = [_line(resource) for resource in resources]
        with self._lock:
            answers = self._exchange(lines)
            if len(answers) < len(lines):  # it died on the way; what is left gets a new one
                self._end()
                answers += self._exchange(lines[len(answers) :])
            if len(answers) < len(lines):
                raise ValidatorDied(self._last_words())
        return [_issues(answer) for answer in answers]

    def errors(self, resource: Resource) -> list[Issue]:
        """What makes the resource invalid: nothing, for a valid one."""
        (issues,) = self.validate([resource])
        return [issue for issue in issues if issue.is_error]

    def _exchange(self, lines: list[bytes]) -> list[bytes]:
        """The answers to the lines, fewer if the process ends before."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        writer = threading.Thread(target=_write, args=(process.stdin, lines))
        writer.start()  # both ways at once: else both pipes fill up, and each side waits for the other
        answers = [answer for _ in lines if (answer := process.stdout.readline())]
        writer.join()
        return answers

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = self._started()
        return self._process

    def _started(self) -> subprocess.Popen[bytes]:
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        command = [*_JAVA, "-cp", classpath(), "Main", *self._profiles]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints
        )

    def _last_words(self) -> str:
        if self._process is None or self._complaints is None:
            return "not started"
        status = self._process.wait()
        self._complaints.seek(0)
        return f"exit status {status}: {self._complaints.read()[-4000:].decode(errors='replace')}"

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(BrokenPipeError):
                process.communicate()
        if self._complaints is not None:
            self._complaints.close()
            self._complaints = None


def _line(resource: Resource) -> bytes:
    """The resource as JSON on one line: bytes as they are, decimals with all their digits."""
    if not isinstance(resource, bytes):
        return orjson.dumps(resource, default=_decimal) + b"\n"
    resource.decode()  # what isn't UTF-8 isn't JSON, and Java would forgive it
    return resource.translate(_NEWLINES) + b"\n"


def _decimal(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"no JSON for {type(value).__name__}")


def _write(pipe: IO[bytes], lines: list[bytes]) -> None:
    with suppress(BrokenPipeError):  # its end shows as answers that don't come
        pipe.writelines(lines)
        pipe.flush()


def _issues(answer: bytes) -> list[Issue]:
    return [
        Issue(found["severity"], found["location"], found["message"], found["messageId"])
        for found in json.loads(answer)
    ]
