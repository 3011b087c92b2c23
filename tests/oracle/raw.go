package main

import (
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"
)

// raw is text that may not be UTF-8: a JSON string where it is, else {"base64": "..."}.
type raw string

type encodedRaw struct {
	Base64 string `json:"base64"`
}

func (r raw) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(r)) {
		return json.Marshal(string(r))
	}
	return json.Marshal(encodedRaw{base64.StdEncoding.EncodeToString([]byte(r))})
}

func (r *raw) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, (*string)(r))
	}
	var encoded encodedRaw
	if err := json.Unmarshal(data, &encoded); err != nil {
		return err
	}
	plain, err := base64.StdEncoding.DecodeString(encoded.Base64)
	*r = raw(plain)
	return err
}
