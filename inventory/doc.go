// Package inventory knows the machines: which hosts there are, which groups
// they belong to, how to reach them, and their variables.
//
// Load reads inventory files (HCL, Ansible INI, Ansible YAML, OpenSSH
// configuration as printed by vagrant ssh-config, programs that print JSON),
// directories of them, and the group_vars and host_vars directories beside
// them. Inventory.Select picks hosts by pattern.
//
// # Order and precedence
//
// Everything has one order: that in which hosts and groups first appear, with
// the files of a directory in alphabetical order.
//
// A variable or connection argument set in several places has the value of the
// strongest. From weak to strong:
//
//  1. what inventory files say of groups
//  2. the files in group_vars
//  3. what inventory files say of the host
//  4. the files in host_vars
//
// Within 1 and 2: the group "all", then the other groups, parents before
// children (a group is as deep as its longest chain of parents); among groups of
// equal depth by the variable ansible_group_priority (a higher number is
// stronger, 1 if not set), then by name. So group_vars of a parent override what
// an inventory file says of its child, as in Ansible. Where something is said
// more than once, the later place in the files is stronger, and a later file of
// the same directory is stronger than an earlier one.
//
// The package imports engine/diag and nothing else of the engine, so that it
// can be used, and tested, without one.
package inventory
