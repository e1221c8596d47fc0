// What the typed client made of the times in a response.
const DAYS = 400 * 24 * 3600 * 1000;

// Each member that is a time must be a Date, and near: a wrong unit or form
// is a Date too, but of another age.  Returns how many there were.
export function dates(value, path) {
  if (value === null || typeof value !== "object") return 0;
  let found = 0;
  for (const [name, member] of Object.entries(value)) {
    const where = `${path}.${name}`;
    if (member === undefined) continue;
    if (/Timestamp$/.test(name)) {
      if (!(member instanceof Date))
        throw new Error(`${where} is no Date: ${JSON.stringify(member)}`);
      if (!(Math.abs(member - Date.now()) < DAYS))
        throw new Error(`${where} is ${member}`);
      found++;
    } else if (name === "LastModified") {
      if (!(Math.abs(Date.parse(member) - Date.now()) < DAYS))
        throw new Error(`${where} is ${JSON.stringify(member)}`);
      found++;
    } else if (!(member instanceof Uint8Array)) {
      found += dates(member, where);
    }
  }
  return found;
}
