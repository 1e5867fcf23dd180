"""Prints, as JSON, what the installed Ansible has: the words that
docs/coming-from-ansible.md must answer. Lists by the names they have in
ansiblelists_test.go."""
import importlib
import json
import os

import ansible
from ansible.playbook.block import Block
from ansible.playbook.handler import Handler
from ansible.playbook.loop_control import LoopControl
from ansible.playbook.play import Play
from ansible.playbook.role.include import RoleInclude
from ansible.playbook.task import Task

BASE = os.path.dirname(ansible.__file__)
INTERNAL = {"loop_with": None, "async_val": "async", "local_action": None}


def keywords(cls):
    return sorted({INTERNAL.get(k, k) for k in cls.fattributes} - {None})


def plugins(*path):
    out = set()
    for f in os.listdir(os.path.join(BASE, *path)):
        name, ext = os.path.splitext(f)
        if ext in (".py", ".yml") and not name.startswith("_") and not name.startswith("mitogen"):
            out.add(name)
    return sorted(out)


def documented(*path):
    return sorted(os.path.splitext(f)[0] for f in os.listdir(os.path.join(BASE, *path)) if f.endswith(".yml"))


def options(module, cls, *sub):
    cli = getattr(importlib.import_module("ansible.cli." + module), cls)(["x", *sub])
    cli.init_parser()
    out = set()

    def walk(parser):
        for a in parser._actions:
            out.update(o for o in a.option_strings if o not in ("-h", "--help"))
            if hasattr(a, "choices") and isinstance(a.choices, dict):
                out.update(a.choices)
                for p in a.choices.values():
                    walk(p)

    walk(cli.parser)
    return sorted(out)


print(json.dumps({
    "version": ansible.__version__ if hasattr(ansible, "__version__") else ansible.release.__version__,
    "Play": keywords(Play), "Role": keywords(RoleInclude), "Block": keywords(Block), "Task": keywords(Task),
    "Handler": sorted(set(keywords(Handler)) - set(keywords(Task))), "loop_control": keywords(LoopControl),
    "inventory": plugins("plugins", "inventory"), "strategy": plugins("plugins", "strategy"),
    "callback": plugins("plugins", "callback"), "lookup": plugins("plugins", "lookup"),
    "filter": documented("plugins", "filter"), "test": documented("plugins", "test"),
    "become": plugins("plugins", "become"), "connection": plugins("plugins", "connection"),
    "module": plugins("modules"),
    "ansible-playbook": options("playbook", "PlaybookCLI"), "ansible": options("adhoc", "AdHocCLI"),
    "ansible-inventory": options("inventory", "InventoryCLI"), "ansible-vault": options("vault", "VaultCLI"),
    "ansible-galaxy": options("galaxy", "GalaxyCLI"), "ansible-doc": options("doc", "DocCLI"),
    "ansible-config": options("config", "ConfigCLI"),
}, indent=1))
