"""Policies as files, for tests that make one."""

from fairgate.core.policy import Policy


def policy_bytes(policy: Policy) -> bytes:
    """The policy as a file."""
    lines = [f"log {log.key.vkey}{_address(log.url)}" for log in policy.logs]
    lines += [f"witness {each.name} {each.key.vkey}{_address(each.url)}" for each in policy.witnesses]
    lines += [f"group {group.name} {group.enough} {' '.join(group.members)}" for group in policy.groups]
    return "".join(f"{line}\n" for line in [*lines, f"quorum {policy.quorum}"]).encode("utf-8", "surrogateescape")


def _address(url: str | None) -> str:
    return "" if url is None else f" {url}"
