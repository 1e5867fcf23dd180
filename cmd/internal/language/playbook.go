package language

import "github.com/ferry-ops/ferry/engine/module"

func arg(name, typ, doc string, choices ...string) module.ArgumentReference {
	return module.ArgumentReference{Name: name, Type: typ, Doc: doc, Choices: choices}
}

func required(a module.ArgumentReference) module.ArgumentReference {
	a.Required = true
	return a
}

var items = []string{"task", "check", "block", "use", "flush_handlers", "call"}

// playbookFile describes the files of a playbook. TestBlocksAreComplete holds it
// against the loader.
func playbookFile() File {
	with := func(more ...string) []string { return append(items[:len(items):len(items)], more...) }
	return File{
		Top: []string{"ferry", "variable", "locals", "stack", "play"},
		Blocks: map[string]Block{
			"ferry": {Doc: "What the playbook needs of ferry.", Arguments: []module.ArgumentReference{
				arg("required_version", "string", "The versions of ferry the playbook works with, for example \">= 0.1\"."),
				arg("version", "string", "The version of the set, stack or playbook itself, for example \"1.2.0\"; who uses it can ask for it."),
			}},
			"variable": {Labels: []string{"NAME"}, Doc: "An input of the playbook, written var.NAME in expressions.", Blocks: []string{"validation"}, Arguments: []module.ArgumentReference{
				arg("type", "type", "Type of the value: string, number, bool, any, list(TYPE), set(TYPE), map(TYPE) or object({ NAME = TYPE }).", "string", "number", "bool", "any", "list(string)", "map(string)", "set(string)"),
				arg("default", "any", "Value if nothing else gives one. Without it, the variable must be given a value."),
				arg("description", "string", "A sentence for people."),
				arg("sensitive", "bool", "Whether the value is kept out of everything ferry shows or stores."),
			}},
			"validation": {Doc: "What must hold for a variable's value.", Arguments: []module.ArgumentReference{
				required(arg("condition", "bool", "What must hold; it can mention the variable only.")),
				required(arg("error_message", "string", "What to tell the user if it does not.")),
			}},
			"locals": {Doc: "Local values, written local.NAME in expressions. They may mention variables, facts and the host and are evaluated for each host.", Free: true},
			"play": {Labels: []string{"NAME"}, Doc: "One pass over a set of hosts.", Blocks: with("rollout", "handler"), Arguments: []module.ArgumentReference{
				required(arg("hosts", "string", "Pattern of hosts and groups of the inventory, for example \"web:!bastion\".")),
				arg("description", "string", "A sentence for people."),
				arg("become", "bool", "Whether tasks run as another user (root if become_user does not say)."),
				arg("become_user", "string", "The user that tasks run as."),
				arg("tags", "list of strings", "Tags of every task of the play."),
			}},
			"rollout": {Doc: "How the play moves over its hosts.", Blocks: []string{"spread", "gate"}, Arguments: []module.ArgumentReference{
				arg("order", "string", "Order in which hosts take their turn.", "inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"),
				arg("seed", "number", "Makes the order \"shuffle\" the same each time."),
				arg("canary", "string", "Pattern of hosts that go first, as a batch of their own."),
				arg("batches", "list of strings", "Sizes of the batches, such as [\"1\", \"10%\", \"100%\"]; the last one repeats."),
				arg("parallel", "number", "How many hosts are worked on at once."),
				arg("max_failed", "string", "The rollout stops when more hosts than this have failed or were lost, for example \"2%\"."),
			}},
			"spread": {Labels: []string{"NAME"}, Doc: "Keeps hosts that belong together from being worked on together.", Arguments: []module.ArgumentReference{
				required(arg("key", "any", "An expression over the host, equal for hosts that belong together, for example host.vars.cluster.")),
				arg("limit", "number", "How many hosts with an equal key are worked on at once; 1 if not given."),
			}},
			"gate": {Labels: []string{"KIND", "NAME"}, Doc: "What must hold before the next batch. Kinds: approval (a person says go), soak (time passes), check (checks pass), window (a maintenance window).", Blocks: []string{"check"}, Arguments: []module.ArgumentReference{
				arg("after", "list of numbers", "The batches it follows, counted from 1; 0 is before the first. Without it: each batch but the last."),
				arg("message", "string", "approval: what to look at before saying go."),
				arg("wait", "duration", "soak: how long to wait, for example \"30m\"."),
				arg("on", "string", "check: where the checks look: \"batch\", \"play\", \"controller\" or a pattern of hosts.", "batch", "play", "controller"),
				arg("days", "list of strings", "window: days on which it begins, for example [\"mon-fri\"]."),
				arg("hours", "string", "window: when work may begin, for example \"22:00-04:00\"."),
				arg("time_zone", "string", "window: the time zone, for example \"Asia/Shanghai\"; that of this machine if not given."),
			}},
			"task":           {Labels: []string{"MODULE", "NAME"}, Doc: "One use of a module: brings about a state or acts.", Module: "task", Blocks: []string{"retry"}, Arguments: meta()},
			"check":          {Labels: []string{"MODULE", "NAME"}, Doc: "One use of a module that only looks: it passes, or fails the host with findings.", Module: "check", Blocks: []string{"retry"}, Arguments: meta()},
			"handler":        {Labels: []string{"MODULE", "NAME"}, Doc: "A task that runs once, at the end of the play, if a task notified it.", Module: "task", Blocks: []string{"retry"}, Arguments: meta()},
			"flush_handlers": {Doc: "Runs the handlers notified so far, here and not at the end of the play."},
			"block": {Labels: []string{"NAME"}, Doc: "Tasks that belong together, with what to do when one of them fails.", Blocks: with("rescue", "always"), Arguments: []module.ArgumentReference{
				arg("when", "bool", "A condition; the block is skipped unless it holds."),
				arg("tags", "list of strings", "Tags of every task in the block."),
				arg("description", "string", "A sentence for people."),
			}},
			"use": {Labels: []string{"NAME"}, Doc: "Runs the tasks of a set: a directory of tasks with variables and outputs of its own.", Free: true, Arguments: []module.ArgumentReference{
				required(arg("source", "string", "Where the set is: a directory (\"./roles/web\"), a git repository (\"git::https://host/repo.git//directory?ref=v1.2\") or an archive (\"./web.tar.gz\").")),
				arg("version", "string", "Versions that will do, for example \"~> 1.2\"."),
				arg("when", "bool", "A condition; the set is skipped unless it holds."),
				arg("for_each", "list, set, map or object", "One use of the set for each element, which the arguments see as each.key and each.value."),
				arg("tags", "list of strings", "Tags of every task in the set."),
				arg("become", "bool", "Whether the set's tasks run as another user, where they do not say themselves."),
				arg("description", "string", "A sentence for people."),
			}},
			"output": {Labels: []string{"NAME"}, Doc: "A value a set gives to who uses it, written use.NAME.OUTPUT there.", Arguments: []module.ArgumentReference{
				required(arg("value", "any", "The value; it can mention everything in the set.")),
				arg("description", "string", "A sentence for people."),
				arg("sensitive", "bool", "Whether the value is kept out of everything ferry shows or stores."),
			}},
			"stack": {Labels: []string{"NAME"}, Doc: "A piece of middleware with the hooks that plays call. Beside plays: where it is and the values of its variables. In its own directory: what it is.", Free: true, Arguments: []module.ArgumentReference{
				required(arg("source", "string", "Where the stack is: a directory, a git repository or an archive, as for a use.")),
				arg("version", "string", "Versions that will do, for example \"~> 1.2\"."),
				arg("when", "bool", "A condition over the host; where it does not hold, the host does not have the stack."),
				arg("become", "bool", "Whether the stack's tasks run as another user, where they do not say themselves."),
				arg("description", "string", "A sentence for people."),
			}},
			"hook": {Labels: []string{"NAME"}, Doc: "Tasks of a stack that a play calls by name: drain, backup, stop, fixup, start, verify, rejoin, or a name of your own. The checks of \"detect\" tell whether a host has the stack.", Blocks: []string{"task", "check", "block", "use", "flush_handlers"}, Arguments: []module.ArgumentReference{
				arg("description", "string", "A sentence for people."),
			}},
			"call": {Labels: []string{"HOOK"}, Doc: "Runs a hook of the stacks the host has, in the order declared; start, verify and rejoin in reverse.", Arguments: []module.ArgumentReference{
				arg("stacks", "list of stacks", "The stacks to call, in this order: [stack.nginx, stack.redis]. Without it: all that are declared."),
				arg("when", "bool", "A condition; nothing is called unless it holds."),
				arg("tags", "list of strings", "Tags of every task that is called."),
				arg("description", "string", "A sentence for people."),
			}},
			"rescue": {Doc: "Runs when something in the block fails, also when the host is lost.", Blocks: items},
			"always": {Doc: "Runs after the block in any case but that of an interrupted run.", Blocks: items},
			"retry": {Doc: "How often the task is tried.", Arguments: []module.ArgumentReference{
				arg("attempts", "number", "How often it is tried; 3 if not given."),
				arg("delay", "duration", "Time between two attempts, for example \"5s\"."),
				arg("backoff", "number", "Factor by which the delay grows after each attempt."),
				arg("until", "bool", "A condition over self; without it: until the task does not fail."),
			}},
		},
	}
}

// meta are the arguments every task takes.
func meta() []module.ArgumentReference {
	return []module.ArgumentReference{
		arg("description", "string", "A sentence for people."),
		arg("when", "bool", "A condition; the task is skipped unless it holds."),
		arg("for_each", "list, set, map or object", "One use of the module for each element, which expressions see as each.key and each.value."),
		arg("notify", "list of handlers", "Handlers that run if the task changed something: [handler.MODULE.NAME]."),
		arg("become", "bool", "Whether the task runs as another user (root if become_user does not say)."),
		arg("become_user", "string", "The user that the task runs as."),
		arg("timeout", "duration", "The task fails after this time, for example \"10m\"."),
		arg("ignore_errors", "bool", "Whether the host goes on after a failure of the task."),
		arg("changed_when", "bool", "Whether the task changed something, judged by its result self."),
		arg("failed_when", "bool", "Whether the task failed, judged by its result self."),
		arg("environment", "map of strings", "Environment variables of the task's commands. Their values are not visible in the host's process list."),
		arg("tags", "list of strings", "Names for --tags and --skip-tags; \"always\" and \"never\" are special.", "always", "never"),
		arg("sensitive", "bool", "Whether nothing the task says is shown."),
		arg("point_of_no_return", "bool", "Whether a host can only go forward after this task, or back to a snapshot."),
		arg("delegate_to", "string", "Runs the task on this host of the inventory, or on \"controller\", instead."),
		arg("run_once", "bool", "Whether the task runs on one host only and its result holds for all."),
		arg("throttle", "number", "How many hosts run the task at once."),
	}
}
