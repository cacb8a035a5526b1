package datasets

// In-shop Clothes Retrieval of DeepFashion: list_eval_partition.txt, here or in Eval/ or
// Anno/, says of each picture what it is for,
//
//	52712
//	image_name item_id evaluation_status
//	img/WOMEN/Dresses/id_00000002/02_1_front.jpg id_00000002 train
//
// with query and gallery for the items to measure on. The pictures lie in img/, here or
// in Img/.
//
// Z. Liu et al., "DeepFashion: Powering Robust Clothes Recognition and Retrieval with Rich
// Annotations", 2016.
const inShopList = "list_eval_partition.txt"

// inShopFolder returns the folder of the list; nil if there is none.
func inShopFolder(d *directory) *directory {
	if d.file(inShopList) != "" {
		return d
	}
	for _, name := range []string{"Eval", "Anno"} {
		if folder := d.folder(name); folder != "" {
			if in := d.inside(folder); in.file(inShopList) != "" {
				return in
			}
		}
	}
	return nil
}

func hasInShop(d *directory) bool { return inShopFolder(d) != nil }

func readInShop(d *directory) (*offer, error) {
	at := inShopFolder(d)
	t, err := readTable(d.source, at.at(at.file(inShopList)), Options{})
	if err != nil {
		return nil, err
	}
	t.base, t.known = d.dir, true
	b := newPartsByTitle()
	if err := t.addTo(b, "train"); err != nil {
		return nil, err
	}
	return &offer{
		kind: "folder", layout: "In-shop Clothes Retrieval", parts: b.list(),
		protocol: "items of the status train are learned; each query is looked for in the gallery",
	}, nil
}
