package host

import "context"

func RunJob(ctx context.Context, t Transport, j Job) (JobResult, error) { panic("merge pending") }
func RunReboot(ctx context.Context, t Transport, r Reboot) error        { panic("merge pending") }
