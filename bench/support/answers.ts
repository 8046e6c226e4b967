/** An answer of `oauth.v2.access`, with a different token for each number. */
export const accessAnswer = (number: number) => ({
  ok: true,
  app_id: "A0BENCH",
  team: { id: "T0BENCH", name: "Bench" },
  enterprise: null,
  is_enterprise_install: false,
  access_token: `xoxe.xoxb-1-bench-${number}`,
  token_type: "bot",
  scope: "chat:write,commands,users:read",
  bot_user_id: "U0BENCH",
  expires_in: 43200,
  refresh_token: `xoxe-1-bench-${number}`,
  authed_user: { id: "U0PERSON" }
})
