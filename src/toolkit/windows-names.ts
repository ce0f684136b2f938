/** Devices that Windows has in every directory, with any extension (learn.microsoft.com, "Naming Files, Paths, and Namespaces"). */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9\xb9\xb2\xb3]|lpt[0-9\xb9\xb2\xb3])$/i

/** Whether Windows would open a device by this name: extensions, and spaces and dots at the end, make no difference to it. */
export function isWindowsDevice(name: string): boolean {
  const dot = name.search(/[.:]/)
  return DEVICE.test((dot === -1 ? name : name.slice(0, dot)).trimEnd())
}
