// Package moduletest tests modules against recorded hosts.
//
// A fixture is a txtar file modules/AREA/testdata/MODULE/CASE.txtar: a block as
// a user writes it, a host, and what the module makes of it. Run executes one;
// Conformance puts every fixture of a module through what the engine relies on:
// looking writes nothing, not being able to look is an error, and being killed
// anywhere can be made good by running again.
package moduletest
