"""Who needs what: the closure over names with specifiers, without any resolver. Pure.

Every release that any selected release may ask for is in it. It grows while metadata arrives, and nothing is
computed twice; what nobody asks for any more goes by a new closure over all that is known.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import NamedTuple

from packaging.specifiers import SpecifierSet

from pypimirror.addresses import without_secrets
from pypimirror.model import NormalizedName
from pypimirror.requirements import Constraint, Root, Roots
from pypimirror.requirements.dependency import Dependency
from pypimirror.requirements.environments import Environments
from pypimirror.want import Want

_Requires = tuple[tuple[str, str], ...]
"""Requirements of a project, each with a version that has it."""


class Need(NamedTuple):
    """Why a project is asked for: who asks, and in which words."""

    name: NormalizedName
    by: str
    """`requirements.txt:3`, or project and version: `plone.api 2.1`."""
    requirement: str
    """`zope.event>=5`; empty where a lock file or a constraint has no such words."""
    want: Want = Want()
    extras: tuple[str, ...] = ()
    parent: NormalizedName | None = None
    """The project that asks; None for a line of a file."""

    def __str__(self) -> str:
        return f"{self.by} requires {self.requirement}"


class Closure:
    """What the roots and, step by step, what they need ask for."""

    def __init__(
        self,
        roots: Roots = Roots(),
        *,
        environments: Environments | None = None,
        extras: Mapping[NormalizedName, frozenset[str]] | None = None,
        is_matching: bool = True,
        is_excluded: Callable[[NormalizedName], bool] = lambda _: False,
    ) -> None:
        """Begin with the roots; `extras` are those of roots, `is_matching` is `dependency_versions`."""
        self._environments = environments or Environments()
        self._root_extras = extras or {}
        self._is_matching = is_matching
        self._is_excluded = is_excluded
        self._narrowed = _narrowings(roots.constraints, self._environments)
        self._requires: dict[NormalizedName, _Requires] = {}
        self._extras: dict[NormalizedName, frozenset[str]] = {}
        """Of every project that is asked for, with which extras."""
        self._needs: dict[NormalizedName, dict[Need, None]] = {}
        self._followed: dict[NormalizedName, set[tuple[str, str]]] = {}
        self._exact: set[NormalizedName] = set()
        self._pending: deque[NormalizedName] = deque()
        self._grown: set[NormalizedName] = set()
        self.wants: dict[NormalizedName, frozenset[Want]] = {}
        """What is asked for of each project, by requirements alone: patterns are not in it. It grows."""
        self._active: tuple[Root, ...] = ()
        self.missing: dict[NormalizedName, dict[Need, None]] = {}
        """What `package_excludes` drops although somebody asks for it, and who does."""
        self.direct: dict[Need, None] = {}
        """Direct references (`name @ address`): they are never followed."""
        self._add_roots(roots.roots)

    @property
    def known(self) -> AbstractSet[NormalizedName]:
        """The projects whose requirements are known."""
        return self._requires.keys()

    def roots(self) -> Iterator[tuple[Root, Want]]:
        """Yield the roots that count, each with what it asks for as the constraints narrow it."""
        for root in self._active:
            yield root, self._narrow(root.name, root.want)

    def wants_of(self, name: NormalizedName) -> frozenset[Want]:
        """Return what is asked for of a project; empty where nobody asks."""
        return self.wants.get(name, frozenset())

    def needs_of(self, name: NormalizedName) -> tuple[Need, ...]:
        """Return who asks for a project, excluded or not, files first."""
        needs = self._needs.get(name) or self.missing.get(name) or ()
        return tuple(sorted(needs, key=lambda need: (need.parent or "", need)))

    def add_root_project(self, name: NormalizedName) -> set[NormalizedName]:
        """Let a project be one that a pattern selects; return the projects whose wants grew."""
        if not self._is_excluded(name):
            self._ask(name, self._root_extras.get(name, frozenset()))
        return self._follow()

    def add_project(self, name: NormalizedName, requires: Iterable[tuple[str, str]]) -> set[NormalizedName]:
        """Take what a project requires, each with a version that does; return the projects whose wants grew.

        It takes the place of what was known of the project, but what was asked for stays asked for. What a
        project requires counts as soon as somebody asks for the project, in whatever order that is.
        """
        self._requires[name] = tuple(requires)
        if name in self._extras:
            self._pending.append(name)
        return self._follow()

    def _add_roots(self, roots: tuple[Root, ...]) -> None:
        self._active = tuple(root for root in roots if self._environments.may_hold(root.marker))
        self._exact = {root.name for root in self._active if root.want.is_exact or root.want.digests}
        for root in self._active:
            extras = frozenset(root.extras) | self._root_extras.get(root.name, frozenset())
            self._add(Need(root.name, root.source, root.words, root.want, tuple(sorted(extras))))
        self._follow()
        self._grown.clear()

    def _add(self, need: Need) -> None:
        """Take one need: what it asks for, and with which extras."""
        name = need.name
        if self._is_excluded(name):
            self.missing.setdefault(name, {})[need] = None
            return
        self._needs.setdefault(name, {})[need] = None
        # What is pinned to its very files stays so, whoever needs it, too.
        if need.parent is None or name not in self._exact:
            self._want(name, need.want)
        self._ask(name, frozenset(need.extras))

    def _want(self, name: NormalizedName, want: Want) -> None:
        wants = self.wants_of(name)
        want = self._narrow(name, want)
        if want not in wants:
            self.wants[name] = wants | {want}
            self._grown.add(name)

    def _narrow(self, name: NormalizedName, want: Want) -> Want:
        narrowed = self._narrowed.get(name)
        return (
            want if narrowed is None else Want(_both(want.specifier, narrowed), want.digests, want.is_exact)
        )

    def _ask(self, name: NormalizedName, extras: frozenset[str]) -> None:
        known = self._extras.get(name)
        if known is None or not extras <= known:
            self._extras[name] = extras | (known or frozenset())
            self._pending.append(name)

    def _follow(self) -> set[NormalizedName]:
        while self._pending:
            name = self._pending.popleft()
            followed = self._followed.setdefault(name, set())
            extras = self._extras[name]
            for each in self._requires.get(name, ()):
                if each not in followed and (found := self._environments.active(each[0], extras)):
                    followed.add(each)
                    self._take(name, each, found)
        grown, self._grown = self._grown, set()
        return grown

    def _take(self, parent: NormalizedName, each: tuple[str, str], found: Dependency) -> None:
        requirement, version = each
        if found.name == parent:  # an extra of itself that is made of others: each release has its own
            self._ask(parent, found.extras)
            return
        by = f"{parent} {version}".rstrip()
        want = Want(found.specifier if self._is_matching else "")
        need = Need(found.name, by, requirement, want, tuple(sorted(found.extras)), parent)
        if found.url is None:
            self._add(need)
        else:
            self.direct[need._replace(requirement=without_secrets(requirement))] = None


def _narrowings(constraints: Iterable[Constraint], environments: Environments) -> dict[NormalizedName, str]:
    """Return what narrows each project: the constraints that hold in every environment, as wants do."""
    narrowed: dict[NormalizedName, str] = {}
    for each in constraints:
        if each.specifier and environments.must_hold(each.marker):
            narrowed[each.name] = _both(narrowed.get(each.name, ""), each.specifier)
    return narrowed


@lru_cache(maxsize=1 << 14)
def _both(one: str, other: str) -> str:
    """Return the specifiers that both allow, in canonical text."""
    return str(SpecifierSet(one) & SpecifierSet(other))
