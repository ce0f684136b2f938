import { cookies } from 'next/headers'

export async function GET() {
  const jar = await cookies()
  const count = Number(jar.get('sid')?.value ?? 0) + 1
  jar.set('sid', String(count), { httpOnly: true })
  return Response.json({ count })
}
