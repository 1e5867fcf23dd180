// Package diag is how ferry tells people what is wrong: diagnostics with the
// place they concern, the sources to quote from, and one renderer for text and
// one for JSON, used alike for mistakes in a playbook or an inventory and for
// what failed on a host.
//
// Writing a diagnostic
//
//   - The Summary is a terse constant phrase ("Unknown argument"). Nothing is
//     formatted into it, so people can search for it.
//   - The Detail is full sentences: what is wrong, then why, then what to do.
//   - Say "argument", never "field" or "attribute". Use the words of
//     docs and playbooks: host, group, task, play, module.
//   - A command or a piece of configuration stands on its own line, indented
//     four spaces. Such lines are never wrapped, so they can be copied.
//   - Where a name is not known, end the sentence about it with DidYouMean.
//   - Never format a value that may be sensitive. Use HideSource where the
//     quoted line itself may hold a secret.
//
// The package knows nothing of playbooks, hosts or inventories, and depends on
// hcl and cty only.
package diag
