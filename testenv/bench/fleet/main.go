package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say what to do: fleet run --hosts 1000")
	}
	fs := flag.NewFlagSet("fleet "+args[0], flag.ContinueOnError)
	hosts := fs.String("hosts", "1000", "number of hosts; several, separated by commas, are measured one after the other")
	dir := fs.String("dir", "", "directory for the inventory of these hosts")
	first := fs.Int("first", 0, "number of the first host")
	step := fs.Int("step", 1, "distance of the numbers of hosts: with several servers, neighbours are on different ones")
	tasks := fs.Int("tasks", 20, "tasks of the play")
	servers := fs.Int("servers", 2, "server processes")
	parallel := fs.Int("parallel", 0, "hosts at once (0: all)")
	ferry := fs.String("ferry", "bin/ferry", "the program to measure")
	prof := fs.String("profile", "", "directory for profiles of the controller")
	asJSON := fs.Bool("json", false, "print JSON")
	if err := fs.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "serve":
		n, err := strconv.Atoi(*hosts)
		if err != nil {
			return err
		}
		return serve(n, *first, *step, *dir)
	case "run":
		var all []Result
		for _, h := range strings.Split(*hosts, ",") {
			n, err := strconv.Atoi(h)
			if err != nil {
				return err
			}
			r, err := Measure(Setup{Hosts: n, Tasks: *tasks, Servers: *servers, Parallel: *parallel, Ferry: *ferry, Profile: *prof})
			if err != nil {
				return err
			}
			all = append(all, r)
			if !*asJSON {
				fmt.Println(r)
			}
		}
		if *asJSON {
			return json.NewEncoder(os.Stdout).Encode(all)
		}
		return nil
	}
	return fmt.Errorf("unknown command %q", args[0])
}
