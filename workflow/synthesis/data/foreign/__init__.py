"""Tables of other people: any file read as cells of text, and each cell as what its column can hold."""
