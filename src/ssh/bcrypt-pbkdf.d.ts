/** Types of bcrypt-pbkdf 1.0, which has none of its own. */
declare module 'bcrypt-pbkdf' {
  const bcrypt: {
    /** Fills `key`. Returns 0, or -1 where an argument is out of bounds. */
    pbkdf: (
      passphrase: Uint8Array,
      passphraseLength: number,
      salt: Uint8Array,
      saltLength: number,
      key: Uint8Array,
      keyLength: number,
      rounds: number,
    ) => number
  }
  export default bcrypt
}
