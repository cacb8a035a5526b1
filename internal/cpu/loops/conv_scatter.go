package loops

// span is a contiguous run of columns whose places stand step apart in dst.
type span struct{ col, len, at, step int }

// scatter copies the results of a part from the buffer to their places.
func (c *convProduct[T]) scatter(w *convWorker[T], part convPart, panels int) {
	plane, cols := c.dstH*c.dstW, c.micro.cols()
	w.spans = w.spans[:0]
	for p := range panels {
		for _, r := range w.runs[p] {
			h, v := c.place0[0]+r.i*c.placeStep[0], c.place0[1]+r.j*c.placeStep[1]
			s := span{p*cols + r.col, r.len, (part.image+r.image)*c.dstImage + h*c.dstW + v, c.placeStep[1]}
			if n := len(w.spans) - 1; n >= 0 && s.step == 1 && w.spans[n].at+w.spans[n].len == s.at {
				w.spans[n].len += s.len
				continue
			}
			w.spans = append(w.spans, s)
		}
	}
	for row := part.row0; row < part.row1; row++ {
		from, to := w.out[(row-part.row0)*panels*cols:], c.dst[(part.group*c.rows+row)*plane:]
		for _, s := range w.spans {
			from := from[s.col : s.col+s.len]
			if s.step == 1 {
				copy(to[s.at:s.at+s.len], from)
				continue
			}
			to := to[s.at:]
			for j, v := range from {
				to[j*s.step] = v
			}
		}
	}
}
