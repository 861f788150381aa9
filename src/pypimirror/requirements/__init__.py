"""What is asked for by requirements: of people, in files; and of projects, in their core metadata.

The modules are imported one by one, as a run without such options needs none: `files` reads what the option
`requirements` names (by `lines` and `locks`), `required` reads core metadata, `dependency` one requirement,
and `environments` says where its marker holds (by `markers`).
"""

from pypimirror.requirements.roots import Constraint, Lock, Root, Roots

__all__ = ["Constraint", "Lock", "Root", "Roots"]
