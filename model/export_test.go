package model

// For tests from outside, which make models by package trainer.
const MaxLabelsBytes = maxLabelsBytes

var ErrClosed = errClosed

// TakeTurn embeds for ever, until the function that it returns is called.
func (m *Model) TakeTurn() (giveBack func()) {
	m.net.turn <- struct{}{}
	return func() { <-m.net.turn }
}
