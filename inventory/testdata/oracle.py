"""Prints as JSON what Ansible makes of inventories and patterns.

Standard input: [{"path": "...", "patterns": ["..."]}]. Standard output, in the
same order: {"error": "..."} or {"hosts": {name: vars}, "groups": {name:
[hosts]}, "patterns": {pattern: [hosts] or null}}.
"""
import json
import sys

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager

INTERNAL = ("inventory_file", "inventory_dir", "inventory_hostname", "inventory_hostname_short", "group_names",
            "groups", "omit", "playbook_dir", "ansible_playbook_python", "ansible_version", "ansible_check_mode",
            "ansible_diff_mode", "ansible_forks", "ansible_verbosity", "ansible_inventory_sources",
            "ansible_config_file", "ansible_run_tags", "ansible_skip_tags", "ansible_facts", "environment")


def look(path, patterns):
    loader = DataLoader()
    inv = InventoryManager(loader=loader, sources=[path])
    if not any(s for s in inv._sources if s) or not inv.get_hosts("all"):
        pass
    vm = VariableManager(loader=loader, inventory=inv)
    out = {"hosts": {}, "groups": {}, "patterns": {}}
    for h in inv.get_hosts("all", ignore_limits=True):
        v = vm.get_vars(host=h, include_hostvars=False)
        out["hosts"][h.name] = {k: x for k, x in v.items() if k not in INTERNAL}
    for name, g in inv.groups.items():
        out["groups"][name] = [h.name for h in g.get_hosts()]
    for p in patterns:
        try:
            out["patterns"][p] = [h.name for h in inv.list_hosts(p)]
        except Exception:
            out["patterns"][p] = None
    return out


answers = []
for q in json.load(sys.stdin):
    try:
        answers.append(look(q["path"], q["patterns"]))
    except Exception as e:
        answers.append({"error": str(e)})
json.dump(answers, sys.stdout, default=str)
