package run

// Resume is what an interrupted run had reached, from its journal. It only
// spares work: hosts are looked at again.
type Resume struct {
	Run   string // the run that is resumed
	Plays map[string]*ResumedPlay
	// Present says which stacks the hosts had when they were looked at, by host and
	// stack. They may not show it any more.
	Present map[string]map[string]bool
}

// ResumedPlay is what had been reached in one play.
type ResumedPlay struct {
	Batch  int             // the last one that began; 0 if none did
	Begun  map[string]bool // hosts of the batches that began
	Latest map[string]bool // those of the last one
	Done   map[string]bool // hosts that ended the play well
	Passed map[GateAt]bool
	// Acted are the actions that ended well: what looking at the host cannot
	// show. By host, then by task.
	Acted map[string]map[string]bool
	// Unsure are the tasks that had begun to act, and whose result never came to be
	// known.
	Unsure map[string]map[string]bool
}

// GateAt is a gate after a batch.
type GateAt struct {
	Gate  string
	Batch int
}

func (r *Resume) play(name string) *ResumedPlay {
	if r == nil {
		return nil
	}
	return r.Plays[name]
}
