SECRET_KEY = "the key of this example"
LIVECHAT_PROVIDER = "crisp"
LIVECHAT_CRISP_WEBSITE_ID = "42286ab3-b29a-4fde-8538-da0ae501d825"
LIVECHAT_CRISP_IDENTITY_SECRET = "a-verification-secret-of-this-example"
LIVECHAT_OFFICE_HOURS = {"tz": "Europe/Berlin", "mon-fri": "09:00-17:00"}
