import { cookies, headers } from 'next/headers'

export default async function Page() {
  const all = await headers()
  const jar = await cookies()
  return (
    <p>
      {all.get('user-agent')} {jar.get('first')?.value ?? 'nobody'}
    </p>
  )
}
