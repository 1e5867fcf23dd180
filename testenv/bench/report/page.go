package report

func WritePage(r *Results, out string) error { return nil }
